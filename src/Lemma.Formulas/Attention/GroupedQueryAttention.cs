namespace Lemma.Formulas;

/// <summary>Heads in groups share one key/value head: H_kv = 1 for all, between 1 and H for groups.</summary>
/// <remarks>The code is <see cref="MultiHeadAttention"/>, to which H_kv is a number. Shazeer 2019; Ainslie et al. 2023.</remarks>
public static class GroupedQueryAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "grouped_query_attention",
        Group = "Attention",
        Text = "Y = [head₁ … head_H]·W_O, head_h = attention(x·W_Q, K_{g(h)}, V_{g(h)})",
        Latex = @"Y = \left[O_1\ldots O_H\right] W_O\qquad O_h = \mathrm{attention}\left(x W_{Q,h}, K_{g(h)}, V_{g(h)}\right)",
        Shapes = "x, Y: [b, T, d]; wk, wv: [d, H_kv·d_h]",
        Symbols = "kv_heads (H_kv) divides heads (H)",
        Source = "Ainslie et al. 2023, GQA, section 2.2",
        Gradient = "through the linear maps and the attention",
        Notes = "The cache shrinks by H/H_kv.",
        Example = "x[2,5,8] wq[8,8] wk[8,4] wv[8,4] wo[8,8] heads=4 kv_heads=2 mask=causal",
        Evaluate = Evaluate,
    };

    /// <summary>Y; heads in groups of H/H_kv.</summary>
    public static MultiHeadAttention.State Forward(in MultiHeadAttention.Options o, ReadOnlySpan<float> x, ReadOnlySpan<float> wq,
        ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo, Span<float> y) =>
        MultiHeadAttention.Forward(o, x, x, wq, wk, wv, wo, y);

    /// <summary>The gradients of <see cref="MultiHeadAttention.Backward"/>, those of x from queries, keys and values.</summary>
    public static void Backward(in MultiHeadAttention.Options o, MultiHeadAttention.State state, ReadOnlySpan<float> x,
        ReadOnlySpan<float> wq, ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo, ReadOnlySpan<float> dy,
        Span<float> dx, Span<float> dwq, Span<float> dwk, Span<float> dwv, Span<float> dwo) =>
        MultiHeadAttention.Backward(o, state, x, x, wq, wk, wv, wo, dy, dx, dx, dwq, dwk, dwv, dwo);

    private static Values Evaluate(FormulaCall call) => MultiHeadAttention.Run(call, "grouped_query_attention", "x", call.Whole("kv_heads"),
        static (in o, x, _, wq, wk, wv, wo, y) => Forward(o, x, wq, wk, wv, wo, y),
        static (in o, state, x, _, wq, wk, wv, wo, dy, dx, _, dwq, dwk, dwv, dwo) =>
            Backward(o, state, x, wq, wk, wv, wo, dy, dx, dwq, dwk, dwv, dwo));
}
