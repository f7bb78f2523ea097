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
        Shapes = "x, Y: [b, T, d]; memory (m): [b, S, d]; wq, wk, wv, wo: as multi_head_attention",
        Symbols = "heads (H), kv_heads",
        Source = "Vaswani et al. 2017, Attention is all you need, section 3.2.3",
        Gradient = "through the linear maps and the attention",
        Example = "x[2,5,8] memory[2,7,8] wq[8,8] wk[8,8] wv[8,8] wo[8,8] heads=4",
        Evaluate = MultiHeadAttention.EvaluateCross,
    };
}
