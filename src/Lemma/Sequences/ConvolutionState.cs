using Lemma.Tensors;

namespace Lemma.Sequences;

/// <summary>What a short convolution keeps of one layer of one sequence: its last K − 1 rows.</summary>
internal sealed unsafe class ConvolutionState(int width, int kernel) : RecurrentState("a short convolution", Math.Max(1, (kernel - 1L) * width))
{
    /// <summary>Where [K − 1, d] lies.</summary>
    public nint Address => (nint)Pointer;

    protected override RecurrentState New() => new ConvolutionState(width, kernel);
}

/// <summary>What a gated delta rule keeps of one layer of one sequence: the last K − 1 rows of its convolution, and a matrix a head.</summary>
internal sealed unsafe class GatedDeltaState(int channels, int kernel, int heads, int width, int valueWidth)
    : RecurrentState("a gated delta rule", (kernel - 1L) * channels + (long)heads * width * valueWidth)
{
    /// <summary>Where [K − 1, channels] lies.</summary>
    public nint Tail => (nint)Pointer;

    /// <summary>Where [H, d·d_v] lies.</summary>
    public nint Sums => (nint)(Pointer + (kernel - 1L) * channels);

    protected override RecurrentState New() => new GatedDeltaState(channels, kernel, heads, width, valueWidth);
}

/// <summary>Recurrences over rows: of whole sequences, or of sequences that go on from their states, with the same bits.</summary>
internal static unsafe class SequenceRecurrences
{
    /// <summary>See <see cref="Ops.ShortConvolution"/>; with states it has no backward, and they keep the last rows.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, d].</param>
    /// <param name="weight">[d, K].</param>
    /// <param name="bias">[d], or none.</param>
    /// <param name="rows">The sequences.</param>
    /// <param name="layer">The number of the state.</param>
    public static Tensor ShortConvolution(this Tape tape, Tensor x, Tensor weight, Tensor? bias, in Rows rows, int layer)
    {
        if (rows.States.IsEmpty)
            return tape.ShortConvolution(x, weight, bias, rows.Lengths);
        ReadOnlySpan<SequenceState> states = rows.States.Span;
        nint* tails = (nint*)tape.Scratch.Take(states.Length * (long)(sizeof(nint) / sizeof(float)));
        Memory<int> starts = tape.TakeIntegers(states.Length);
        for (int i = 0; i < states.Length; i++)
        {
            RecurrentState state = (RecurrentState)states[i].Layer(layer);
            tails[i] = state is GatedDeltaState delta ? delta.Tail : ((ConvolutionState)state).Address;
            starts.Span[i] = state.Length;
        }
        Tensor y = tape.ContinuedShortConvolution(x, weight, bias, rows.Lengths, tails, starts);
        for (int i = 0; i < states.Length; i++)
        {
            // A delta rule counts the tokens when it has read them.
            if (states[i].Layer(layer) is ConvolutionState own)
                own.Advance(rows.Lengths.Span[i]);
        }
        return y;
    }

    /// <summary>See <see cref="Ops.GatedDeltaRule"/>; with states it has no backward, and they are those after the rows.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="mixed">Queries, keys and values side by side.</param>
    /// <param name="decay">[rows, H].</param>
    /// <param name="beta">[rows, H].</param>
    /// <param name="keyHeads">H_k.</param>
    /// <param name="width">d.</param>
    /// <param name="valueWidth">d_v.</param>
    /// <param name="rows">The sequences.</param>
    /// <param name="layer">The number of the state.</param>
    public static Tensor GatedDeltaRule(this Tape tape, Tensor mixed, Tensor decay, Tensor beta, int keyHeads, int width, int valueWidth, in Rows rows, int layer)
    {
        HeadColumns query = new(mixed, 0), key = new(mixed, keyHeads * width), value = new(mixed, 2 * keyHeads * width);
        if (rows.States.IsEmpty)
            return tape.GatedDeltaRule(query, key, value, decay, beta, keyHeads, width, valueWidth, rows.Lengths);
        ReadOnlySpan<SequenceState> states = rows.States.Span;
        nint* sums = (nint*)tape.Scratch.Take(states.Length * (long)(sizeof(nint) / sizeof(float)));
        for (int i = 0; i < states.Length; i++)
            sums[i] = ((GatedDeltaState)states[i].Layer(layer)).Sums;
        Tensor y = tape.ContinuedGatedDeltaRule(query, key, value, decay, beta, keyHeads, width, valueWidth, rows.Lengths, sums);
        for (int i = 0; i < states.Length; i++)
            ((GatedDeltaState)states[i].Layer(layer)).Advance(rows.Lengths.Span[i]);
        return y;
    }
}
