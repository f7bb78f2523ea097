using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Sequences;

/// <summary>What linear attention keeps of one layer of one sequence: a matrix and a vector a head, whatever the length.</summary>
internal sealed unsafe class LinearAttentionState(int heads, int width, int valueWidth)
    : RecurrentState("linear attention", (long)heads * LinearAttentionKernel.SumsSize(width, valueWidth))
{
    /// <summary>Where [H, d·d_v + d] lies, of heads for which the state was made.</summary>
    public nint AddressFor(int expectedHeads, int expectedWidth, int expectedValueWidth)
    {
        Require.That((heads, width, valueWidth) == (expectedHeads, expectedWidth, expectedValueWidth), $"state: it is of {heads} heads of {width} and {valueWidth}, "
            + $"but rows have {expectedHeads} of {expectedWidth} and {expectedValueWidth}");
        return (nint)Pointer;
    }

    protected override RecurrentState New() => new LinearAttentionState(heads, width, valueWidth);
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
