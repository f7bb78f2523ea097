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
        Shapes = "x, Y: [b, T, d]; wk, wv: [d, d_h]",
        Symbols = "one key/value head for all heads (H)",
        Source = "Shazeer 2019, Fast transformer decoding, section 3",
        Gradient = "through the linear maps and the attention",
        Example = "x[2,5,8] wq[8,8] wk[8,2] wv[8,2] wo[8,8] heads=4 mask=causal",
        Evaluate = MultiHeadAttention.EvaluateQuery,
    };
}
