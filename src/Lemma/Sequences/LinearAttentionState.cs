using System.Globalization;
using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Sequences;

/// <summary>What linear attention keeps of one layer of one sequence: a matrix and a vector a head, whatever the length.</summary>
internal sealed unsafe class LinearAttentionState(int heads, int width, int valueWidth) : LayerState
{
    private ByteCounter? counter;
    private readonly NativeBlock sums = new("linear attention's state", (long)heads * LinearAttentionKernel.SumsSize(width, valueWidth), isCleared: true);

    /// <summary>Where [H, d·d_v + d] lies, of heads for which the state was made.</summary>
    public nint AddressFor(int expectedHeads, int expectedWidth, int expectedValueWidth)
    {
        Require.That((heads, width, valueWidth) == (expectedHeads, expectedWidth, expectedValueWidth), $"state: it is of {heads} heads of {width} and {valueWidth}, "
            + $"but rows have {expectedHeads} of {expectedWidth} and {expectedValueWidth}");
        return (nint)sums.Pointer;
    }

    /// <summary>Tokens that the sums are of.</summary>
    public int Length { get; private set; }

    public override long Bytes => sums.Length * sizeof(float);

    public override long BytesAt(int length, CacheFormat format) => Bytes;

    /// <summary>Counts tokens that were added.</summary>
    public void Advance(int tokens) => Length += tokens;

    public override bool CanBeCut => false;

    public override void CountIn(ByteCounter counter)
    {
        Require.That(this.counter is null, $"state: its bytes are counted already");
        this.counter = counter;
        counter.Add(Bytes);
    }

    public override string? WhyNotCut(int from, int to) => to == from || to == 0 ? null
        : string.Create(CultureInfo.InvariantCulture, $"state: linear attention keeps sums of {from} tokens, which cannot be cut to {to}");

    public override void Truncate(int length)
    {
        if (length == 0)
            sums.Span(0, sums.Length).Clear();
        Length = length;
    }

    public override LayerState Fork()
    {
        LinearAttentionState fork = new(heads, width, valueWidth) { Length = Length };
        sums.Span(0, sums.Length).CopyTo(fork.sums.Span(0, sums.Length));
        if (counter is not null)
            fork.CountIn(counter);
        return fork;
    }

    public override void Dispose()
    {
        if (!sums.IsDisposed)
            counter?.Add(-Bytes);
        sums.Dispose();
    }
}

/// <summary>Linear attention over rows: of whole sequences, or of sequences that go on from their states, with the same bits.</summary>
internal static unsafe class SequenceLinearAttention
{
    /// <summary>See <see cref="Ops.LinearAttention"/>; with states it has no backward, and they are those after the rows.</summary>
    public static Tensor LinearAttention(this Tape tape, Tensor queries, Tensor keys, Tensor values, in Rows rows, int heads, int layer)
    {
        if (rows.States.IsEmpty)
            return tape.LinearAttention(queries, keys, values, heads, rows.Lengths);
        ReadOnlySpan<SequenceState> states = rows.States.Span;
        nint* sums = (nint*)tape.Scratch.Take(states.Length * (long)(sizeof(nint) / sizeof(float)));
        for (int i = 0; i < states.Length; i++)
            sums[i] = ((LinearAttentionState)states[i].Layer(layer)).AddressFor(heads, queries.Shape.Columns / heads, values.Shape.Columns / heads);
        Tensor y = tape.ContinuedLinearAttention(queries, keys, values, heads, rows.Lengths, sums);
        for (int i = 0; i < states.Length; i++)
            ((LinearAttentionState)states[i].Layer(layer)).Advance(rows.Lengths.Span[i]);
        return y;
    }
}
