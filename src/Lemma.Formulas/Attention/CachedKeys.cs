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
        Latex = @"y_t = \mathrm{attention}\left(q_t, [k_1\ldots k_t], [v_1\ldots v_t]\right)",
        Shapes = "q, Y: [b, H, T, d]; k, v: [b, H_kv, T, d], a step after another",
        Symbols = "2·layers·H_kv·d_h·T numbers are kept",
        Source = "Pope et al. 2022, Efficiently scaling transformer inference, section 3.3",
        Gradient = "None: it decodes; attention is its differentiable form",
        Notes = "The same bits as causal attention over the whole.",
        IsDifferentiable = false,
        Example = "q[1,4,7,8] k[1,2,7,8] v[1,2,7,8]",
        Evaluate = Evaluate,
    };

    /// <summary>The sizes of a cache and of the heads that read it.</summary>
    /// <param name="Heads">H; sequences of a batch are further heads.</param>
    /// <param name="KeyValueHeads">H_kv, which divides H.</param>
    /// <param name="Width">d.</param>
    /// <param name="Capacity">Positions that the cache holds.</param>
    public readonly record struct Options(int Heads, int KeyValueHeads, int Width, int Capacity);

    /// <summary>Puts the keys or values of one position, [H_kv, d], into a cache [H_kv, capacity, d].</summary>
    public static void Append(in Options o, ReadOnlySpan<float> step, int position, Span<float> cache)
    {
        CheckOptions(o, position, cache.Length);
        Check.SameLength("kv_cache", o.KeyValueHeads * o.Width, step.Length);
        for (int h = 0; h < o.KeyValueHeads; h++)
            step.Slice(h * o.Width, o.Width).CopyTo(cache[((h * o.Capacity + position) * o.Width)..]);
    }

    /// <summary>y [H, d]: attention of the queries q [H, d] of one position to the keys and values up to it.</summary>
    public static void Forward(in Options o, ReadOnlySpan<float> q, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int position,
        Span<float> y)
    {
        CheckOptions(o, position, keys.Length);
        Check.SameLength("kv_cache", keys.Length, values.Length);
        Check.SameLength("kv_cache", o.Heads * o.Width, q.Length);
        Check.SameLength("kv_cache", o.Heads * o.Width, y.Length);
        int group = o.Heads / o.KeyValueHeads, count = position + 1;
        HeadSizes sizes = new(1, group, 1, 1, count, o.Width, o.Width);
        float[] logs = new float[group];
        for (int h = 0; h < o.KeyValueHeads; h++)
        {
            int first = h * o.Capacity * o.Width, own = h * group * o.Width;
            ScoredEvaluation.Forward(sizes, new HeadAttention.Mask(true), q.Slice(own, group * o.Width), keys.Slice(first, count * o.Width),
                values.Slice(first, count * o.Width), y.Slice(own, group * o.Width), logs);
        }
    }

    private static void CheckOptions(in Options o, int position, int length)
    {
        Check.That(o.KeyValueHeads > 0 && o.Heads % o.KeyValueHeads == 0, "kv_cache",
            $"{o.KeyValueHeads} key/value heads do not divide {o.Heads} heads");
        Check.That(position >= 0 && position < o.Capacity, "kv_cache",
            $"the position must lie in [0, {o.Capacity}), but it is {position}");
        Check.SameLength("kv_cache", o.KeyValueHeads * o.Capacity * o.Width, length);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"], y = q.Like();
        HeadSizes sizes = HeadSizes.Of("kv_cache", q, k, v);
        Check.That(sizes.Queries == sizes.Keys && sizes.Width == sizes.ValueWidth, "kv_cache",
            $"q {q}, k {k} and v {v} must agree in length and width");
        Options options = new(sizes.Batch * sizes.Heads, sizes.Batch * sizes.KeyValueHeads, sizes.Width, sizes.Keys);
        float[] keys = new float[k.Count], values = new float[v.Count], outputs = new float[options.Heads * options.Width];
        for (int t = 0; t < sizes.Keys && y.Count > 0; t++)
        {
            Append(options, Step(k, t, options), t, keys);
            Append(options, Step(v, t, options), t, values);
            Forward(options, Step(q, t, options), keys, values, t, outputs);
            for (int h = 0; h < options.Heads; h++)
                outputs.AsSpan(h * options.Width, options.Width).CopyTo(y.Data.AsSpan((h * options.Capacity + t) * options.Width));
        }
        return y;
    }

    // Position t of [heads, T, d].
    private static float[] Step(Values x, int t, in Options o)
    {
        float[] step = new float[x.Count / o.Capacity];
        for (int at = 0; at < step.Length; at += o.Width)
            x.Data.AsSpan(at * o.Capacity + t * o.Width, o.Width).CopyTo(step.AsSpan(at));
        return step;
    }
}
