namespace Lemma.Formulas;

/// <summary>All heads share one key head and one value head.</summary>
/// <remarks>The code is <see cref="MultiHeadAttention"/> with H_kv = 1. Shazeer 2019, Fast transformer decoding.</remarks>
public static class MultiQueryAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "multi_query_attention",
        Group = "Attention",
        Text = "Y = [head₁ … head_H]·W_O, head_h = attention(x·W_Q, K, V)",
        Latex = @"Y = \left[O_1\ldots O_H\right] W_O\qquad O_h = \mathrm{attention}\left(x W_{Q,h}, K, V\right)",
        Shapes = "x, Y: [b, T, d]; wk, wv: [d, d_h]",
        Symbols = "one key/value head for all heads (H)",
        Source = "Shazeer 2019, Fast transformer decoding, section 3",
        Gradient = "through the linear maps and the attention",
        Example = "x[2,5,8] wq[8,8] wk[8,2] wv[8,2] wo[8,8] heads=4 mask=causal",
        Evaluate = Evaluate,
    };

    /// <summary>Y; the number of key/value heads must be 1.</summary>
    public static MultiHeadAttention.State Forward(in MultiHeadAttention.Options o, ReadOnlySpan<float> x, ReadOnlySpan<float> wq,
        ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo, Span<float> y)
    {
        Check.That(o.KeyValueHeads == 1, "multi_query_attention", $"there must be one key/value head, but there are {o.KeyValueHeads}");
        return MultiHeadAttention.Forward(o, x, x, wq, wk, wv, wo, y);
    }

    /// <summary>The gradients of <see cref="MultiHeadAttention.Backward"/>, those of x from queries, keys and values.</summary>
    public static void Backward(in MultiHeadAttention.Options o, MultiHeadAttention.State state, ReadOnlySpan<float> x,
        ReadOnlySpan<float> wq, ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo, ReadOnlySpan<float> dy,
        Span<float> dx, Span<float> dwq, Span<float> dwk, Span<float> dwv, Span<float> dwo) =>
        MultiHeadAttention.Backward(o, state, x, x, wq, wk, wv, wo, dy, dx, dx, dwq, dwk, dwv, dwo);

    private static Values Evaluate(FormulaCall call) => MultiHeadAttention.Run(call, "multi_query_attention", "x",
        call.Whole("kv_heads", 1),
        static (in o, x, _, wq, wk, wv, wo, y) => Forward(o, x, wq, wk, wv, wo, y),
        static (in o, state, x, _, wq, wk, wv, wo, dy, dx, _, dwq, dwk, dwv, dwo) =>
            Backward(o, state, x, wq, wk, wv, wo, dy, dx, dwq, dwk, dwv, dwo));
}
