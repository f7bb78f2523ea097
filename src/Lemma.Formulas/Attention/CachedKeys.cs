namespace Lemma.Formulas;

/// <summary>y_t = attention(q_t, [k_1 … k_t], [v_1 … v_t]), keys and values kept from step to step.</summary>
/// <remarks>
/// q: [b, H, T, d]; k, v: [b, H_kv, T, d], one step after another. A step costs O(t·d) instead of O(t²·d), the cache 2·L·H_kv·d_h numbers a
/// layer. The same bits as causal attention over the whole. Pope et al. 2022, section 3.3.
/// </remarks>
public static class CachedKeys
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "kv_cache",
        Group = "Attention",
        Text = "y_t = attention(q_t, [k_1 … k_t], [v_1 … v_t])",
        Shapes = "q, Y: [b, H, T, d]; k, v: [b, H_kv, T, d], a step after another",
        Symbols = "2·layers·H_kv·d_h·T numbers are kept",
        Source = "Pope et al. 2022, Efficiently scaling transformer inference, section 3.3",
        Gradient = "None: it decodes; attention is its differentiable form",
        Notes = "The same bits as causal attention over the whole.",
        IsDifferentiable = false,
        Example = "q[1,4,7,8] k[1,2,7,8] v[1,2,7,8]",
        Evaluate = Evaluate,
    };

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("kv_cache", q, k, v);
        Check.That(sizes.Queries == sizes.Keys && sizes.Width == sizes.ValueWidth, "kv_cache",
            $"q {q}, k {k} and v {v} must agree in length and width");
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        int width = sizes.Width, length = sizes.Keys;
        for (int b = 0; b < sizes.Batch; b++)
        {
            for (int h = 0; h < sizes.Heads; h++)
            {
                int shared = (b * sizes.KeyValueHeads + h / sizes.Group) * length * width, own = (b * sizes.Heads + h) * length * width;
                for (int t = 0; t < length; t++)
                {
                    HeadSizes step = new(1, 1, 1, 1, t + 1, width, width);
                    HeadAttention.Forward(step, new HeadAttention.Mask(true), q.Data.AsSpan(own + t * width, width),
                        k.Data.AsSpan(shared, (t + 1) * width), v.Data.AsSpan(shared, (t + 1) * width), y.Data.AsSpan(own + t * width,
                            width), new float[1]);
                }
            }
        }
        return y;
    }
}
