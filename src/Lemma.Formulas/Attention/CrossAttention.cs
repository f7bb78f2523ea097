namespace Lemma.Formulas;

/// <summary>Y = attention of queries from x over keys and values from another sequence m.</summary>
/// <remarks>The code is <see cref="MultiHeadAttention"/>, which takes both sequences. Vaswani et al. 2017, section 3.2.3.</remarks>
public static class CrossAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "cross_attention",
        Group = "Attention",
        Text = "Y = [head₁ … head_H]·W_O, head_h = attention(x·W_Q, m·W_K, m·W_V)",
        Latex = @"Y = \left[O_1\ldots O_H\right] W_O\qquad O_h = \mathrm{attention}\left(x W_{Q,h}, m W_{K,h}, m W_{V,h}\right)",
        Shapes = "x, Y: [b, T, d]; memory (m): [b, S, d]; wq, wk, wv, wo: as multi_head_attention",
        Symbols = "heads (H), kv_heads",
        Source = "Vaswani et al. 2017, Attention is all you need, section 3.2.3",
        Gradient = "through the linear maps and the attention",
        Example = "x[2,5,8] memory[2,7,8] wq[8,8] wk[8,8] wv[8,8] wo[8,8] heads=4",
        Evaluate = Evaluate,
    };

    /// <summary>Y.</summary>
    public static MultiHeadAttention.State Forward(in MultiHeadAttention.Options o, ReadOnlySpan<float> x, ReadOnlySpan<float> memory,
        ReadOnlySpan<float> wq, ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo, Span<float> y) =>
        MultiHeadAttention.Forward(o, x, memory, wq, wk, wv, wo, y);

    /// <summary>The gradients of <see cref="MultiHeadAttention.Backward"/>.</summary>
    public static void Backward(in MultiHeadAttention.Options o, MultiHeadAttention.State state, ReadOnlySpan<float> x,
        ReadOnlySpan<float> memory, ReadOnlySpan<float> wq, ReadOnlySpan<float> wk, ReadOnlySpan<float> wv, ReadOnlySpan<float> wo,
        ReadOnlySpan<float> dy, Span<float> dx, Span<float> dmemory, Span<float> dwq, Span<float> dwk, Span<float> dwv, Span<float> dwo) =>
        MultiHeadAttention.Backward(o, state, x, memory, wq, wk, wv, wo, dy, dx, dmemory, dwq, dwk, dwv, dwo);

    private static Values Evaluate(FormulaCall call) =>
        MultiHeadAttention.Run(call, "cross_attention", "memory", call.Whole("kv_heads", call.Whole("heads")), Forward, Backward);
}
