using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Tests.Sequences;

/// <summary>A sequence has the same bits as a whole, in chunks, among others, forked and cut: equality, not closeness.</summary>
public class SequenceStateTests
{
    private const int Length = 203;
    private static readonly DecoderConfig Plain = Presets.Llama(61, width: 32, layers: 2, heads: 4, hidden: 48, length: 512);
    private static readonly int[] Ids = [.. Enumerable.Range(0, Length).Select(i => i * 37 % 61)];

    public static TheoryData<int, int?, int> Shapes => new() { { 4, null, 1 }, { 2, null, 2 }, { 1, 50, 3 } };

    private static Decoder Model(int keyValueHeads, int? window)
    {
        Decoder model = new(Plain.WithBlocks(block => block with
        {
            Mixer = (AttentionConfig)block.Mixer with { KeyValueHeads = keyValueHeads, Window = window },
        }));
        model.Initialize(7);
        return model;
    }

    [Theory, MemberData(nameof(Shapes))]
    public void ChunksForksAndOthersChangeNothing(int keyValueHeads, int? window, int threads)
    {
        using Decoder model = Model(keyValueHeads, window);
        using Workers workers = new(threads);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        float[] whole = Last(Rows.One(Ids));
        using SequenceState chunks = model.NewState(), other = model.NewState();
        foreach ((int first, int count) in new[] { (0, 1), (1, 189), (190, 10) })
            Last(Rows.One(Ids.AsMemory(first, count), chunks));
        Last(Rows.One(new[] { 5, 6, 7 }, other));
        using SequenceState fork = chunks.Fork();
        // The fork goes on differently, in a page that both had, and is cut again.
        Last(Rows.One(new[] { 1, 2, 3, 4 }, fork));
        fork.Truncate(200);
        float[] together = Last(new Rows(new[] { 9, Ids[200], Ids[201], Ids[202], Ids[200], Ids[201], Ids[202] }, new[] { 1, 3, 3 }, new[] { other, fork, chunks }));
        Assert.Equal(whole, together[61..122]);
        Assert.Equal(whole, together[122..]);
        Assert.Equal((Length, 4), (chunks.Length, other.Length));

        float[] Last(Rows rows)
        {
            float[] logits = tape[model.NextLogits(tape, rows)].ToArray();
            tape.Rewind();
            return logits;
        }
    }
}
