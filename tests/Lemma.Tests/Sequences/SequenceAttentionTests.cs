using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Sequences;

/// <summary>Attention over pages has the bits of attention over the whole, whatever the terms, the pattern, the widths and the pieces.</summary>
[Trait("Kernels", "true")]
public class SequenceAttentionTests
{
    private const int Length = 203;
    private static readonly AttentionHeads Heads = new(4, 2, 8) { ValueWidth = 37 };

    public static TheoryData<AttentionHeads, bool, int> Cases => new()
    {
        { Heads, false, 1 }, { Heads, true, 2 }, { Heads with { Window = 50 }, true, 3 }, { new AttentionHeads(3, 1, 16), true, 2 },
        { Heads with { Pattern = new MultiScaleWindows([1, 70, 30, 4]) }, false, 2 },
        { Heads with { Pattern = new MultiScaleWindows([0, 7, 30, 4]) }, true, 1 },
        { Heads with { Pattern = new BlockSparse(16, Local: 1, Stride: 5, Random: 1) }, false, 2 },
        { Heads with { Pattern = new DualChunk(50, 80) }, false, 2 }, { Heads with { Pattern = new DualChunk(192, 200) }, false, 1 },
        { Heads with { Pattern = new BlockSparse(7, Local: 0, Global: 0, Random: 2), Window = 150 }, true, 3 },
    };

    [Theory, MemberData(nameof(Cases))]
    public void PiecesHaveTheBitsOfTheWhole(AttentionHeads heads, bool hasTerms, int threads)
    {
        int width = (int)heads.QueryColumns, keys = heads.KeyValueHeads * heads.HeadWidth, row = width + keys + heads.KeyValueHeads * heads.ValueWidth;
        float[] x = OperationCheck.Random(Length * row, 1), bias = OperationCheck.Random(heads.Heads * (2 * Length - 1), 2);
        float[] sinks = OperationCheck.Random(heads.Heads, 3);
        using Workers workers = new(threads);
        using Tape tape = new(workers) { Recording = false };
        object owner = new();
        using SequenceState state = State(owner, heads), other = State(owner, heads);
        float[] whole = Run(x, Rows.One(new int[Length]));
        List<float> pieces = [];
        int done = 0;
        foreach (int count in new[] { 1, 4, 184, 11 })
        {
            // Beside another sequence, which goes on as well.
            float[] both = Run([.. x[..(3 * row)], .. x[(done * row)..((done + count) * row)]],
                new Rows(new int[3 + count], new[] { 3, count }, new[] { other, state }));
            pieces.AddRange(both.AsSpan(3 * heads.Heads * heads.ValueWidth));
            other.Advance(3);
            state.Advance(count);
            done += count;
        }
        pieces.AddRange(Run(x[(done * row)..], Rows.One(new int[Length - done], state)));
        Assert.Equal(whole, pieces);

        float[] Run(float[] some, Rows rows)
        {
            Tensor t = tape.Input(new Shape(rows.Ids.Length, row), some);
            AttentionTerms terms = hasTerms ? new AttentionTerms(1.5f, tape.Input(new Shape(heads.Heads, 2 * Length - 1), bias), Length - 1,
                tape.Input(new Shape(heads.Heads), sinks)) : default;
            Tensor y = tape.Attention(new HeadColumns(t, 0), new HeadColumns(t, width), new HeadColumns(t, width + keys), rows, heads, 0, terms);
            float[] result = tape[y].ToArray();
            tape.Rewind();
            return result;
        }
    }

    [Fact]
    public void WindowsOfHeadsLetGoOfWhatNoneSees()
    {
        Assert.Equal(70, (Heads with { Pattern = new MultiScaleWindows([1, 70, 30, 4]) }).Reach);
        Assert.Equal(0, (Heads with { Pattern = new MultiScaleWindows([1, 70, 0, 4]) }).Reach);
        Assert.Equal(9, (Heads with { Window = 9 }).Reach);
    }

    private static SequenceState State(object owner, AttentionHeads heads) =>
        new(owner, [new KeyValuePages(new KeyValuePageShape(heads.KeyValueHeads, heads.HeadWidth, heads.ValueWidth), heads.Reach)]);
}
