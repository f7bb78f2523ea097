namespace Lemma.Formulas;

/// <summary>y_t = φ(q_t)·S_t/(φ(q_t)·z_t), S_t = Σ_{j ≤ t} φ(k_j)·v_jᵀ, z_t = Σ_{j ≤ t} φ(k_j), φ(x) = elu(x) + 1.</summary>
/// <remarks>
/// q, k: [heads, T, d]; v: [heads, T, d_v]; linear in T. Causal by recurrence; without causality S and z are the whole sums. φ: e^x below
/// 0, x + 1 above. Katharopoulos et al. 2020, eq. 7 and 10 to 12.
/// </remarks>
public static class LinearAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "linear_attention",
        Group = "Attention",
        Text = "y_t = φ(q_t)·S_t/(φ(q_t)·z_t), S_t = Σ_{j≤t} φ(k_j)·v_jᵀ, z_t = Σ_{j≤t} φ(k_j)",
        Latex = """
            y_t = \frac{\varphi(q_t) S_t}{\varphi(q_t)\cdot z_t}
            S_t = \sum_{j\le t}\varphi(k_j)^\top v_j\qquad z_t = \sum_{j\le t}\varphi(k_j)
            """,
        Shapes = "q, k: [b, H, T, d]; v: [b, H, T, d_v]",
        Symbols = "φ(x) = elu(x) + 1; causal; chunk: length of a chunk, 0 for the recurrence",
        Source = "Katharopoulos et al. 2020, Transformers are RNNs, eq. 7 and 10 to 12",
        Gradient = "dφ(q) = S·dn + z·dm, dφ(k) = G·v + g, dv = Gᵀ·φ(k)",
        Notes = "Linear in the length; chunks give the same as the recurrence.",
        Example = "q[1,2,9,4] k[1,2,9,4] v[1,2,9,4]",
        Evaluate = Evaluate,
    };

    /// <summary>y, one step after another (causal) or from the whole sums.</summary>
    public static unsafe void Forward(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, int length, int width, int valueWidth,
        bool causal, Span<float> y)
    {
        int heads = CheckInput(q, k, v, length, width, valueWidth, y);
        fixed (float* pq = q, pk = k, pv = v, py = y)
        {
            for (int h = 0; h < heads; h++)
                LinearAttentionKernel.Forward(Head(pq, pk, pv, py, h, length, width, valueWidth), causal, null);
        }
    }

    /// <summary>y in chunks: scores within a chunk, the sums of earlier chunks for the rest; equal to the recurrence.</summary>
    public static void ForwardChunked(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, int length, int width,
        int valueWidth, int chunk, Span<float> y)
    {
        int heads = CheckInput(q, k, v, length, width, valueWidth, y);
        LinearAttentionSums state = new(new float[width * valueWidth], new float[width]);
        float[] features = new float[width], keys = new float[chunk * width];
        for (int h = 0; h < heads; h++)
        {
            state.Clear();
            for (int first = 0; first < length; first += chunk)
            {
                int count = Math.Min(chunk, length - first);
                for (int t = 0; t < count; t++)
                    LinearAttentionKernel.Map(Row(k, h, first + t, length, width), keys.AsSpan(t * width, width));
                for (int t = 0; t < count; t++)
                {
                    Span<float> to = y.Slice((h * length + first + t) * valueWidth, valueWidth);
                    LinearAttentionKernel.Map(Row(q, h, first + t, length, width), features);
                    float total = state.Sums(features, to);
                    for (int j = 0; j <= t; j++)
                    {
                        float weight = Lanes.Dot(features, keys.AsSpan(j * width, width));
                        total += weight;
                        Lanes.AddScaled(Row(v, h, first + j, length, valueWidth), weight, to);
                    }
                    System.Numerics.Tensors.TensorPrimitives.Divide(to, total, to);
                }
                for (int t = 0; t < count; t++)
                    state.Add(keys.AsSpan(t * width, width), Row(v, h, first + t, length, valueWidth));
            }
        }
    }

    /// <summary>
    /// dn = dy/m, dm = −⟨dy, y⟩/m; dφ(q) = S·dn + z·dm; with G = Σ_{t ≥ j} φ(q_t)·dn_tᵀ, g = Σ φ(q_t)·dm_t: dφ(k_j) = G·v_j + g, dv_j +=
    /// Gᵀ·φ(k_j).
    /// </summary>
    public static unsafe void Backward(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, int length, int width, int valueWidth,
        bool causal, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk, Span<float> dv)
    {
        int heads = CheckInput(q, k, v, length, width, valueWidth, y);
        CheckInput(dq, dk, dv, length, width, valueWidth, dy);
        float[] inverses = new float[length];
        fixed (float* pq = q, pk = k, pv = v, py = y, pdy = dy, pdq = dq, pdk = dk, pdv = dv)
        {
            for (int h = 0; h < heads; h++)
            {
                LinearAttentionKernel.Backward(Head(pq, pk, pv, py, h, length, width, valueWidth),
                    Head(pdq, pdk, pdv, pdy, h, length, width, valueWidth), causal, inverses);
            }
        }
    }

    private static unsafe LinearAttentionHead Head(float* q, float* k, float* v, float* y, int head, int length, int width, int valueWidth)
    {
        nint first = (nint)head * length;
        return new LinearAttentionHead((nint)(q + first * width), (nint)(k + first * width), (nint)(v + first * valueWidth),
            (nint)(y + first * valueWidth), length, width, valueWidth, width, valueWidth);
    }

    private static ReadOnlySpan<float> Row(ReadOnlySpan<float> x, int head, int t, int length,
        int width) => x.Slice((head * length + t) * width, width);

    private static int CheckInput(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, int length, int width,
        int valueWidth, ReadOnlySpan<float> y)
    {
        Check.Rows("linear_attention", q.Length, length * width);
        Check.SameLength("linear_attention", q.Length, k.Length);
        Check.SameLength("linear_attention", q.Length / width * valueWidth, v.Length);
        Check.SameLength("linear_attention", v.Length, y.Length);
        return q.Length / (length * width);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("linear_attention", q, k, v);
        Check.That(sizes.Heads == sizes.KeyValueHeads && sizes.Queries == sizes.Keys, "linear_attention",
            $"q {q} and k {k} must have the same shape");
        string map = call.Word("feature_map", "elu_plus_one");
        Check.That(map == "elu_plus_one", "linear_attention", $"the feature map must be elu_plus_one, but it is {map}");
        bool causal = call.Flag("causal", true);
        int chunk = call.Whole("chunk", 0);
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        if (chunk > 0 && causal)
            ForwardChunked(q, k, v, sizes.Keys, sizes.Width, sizes.ValueWidth, chunk, y);
        else
            Forward(q, k, v, sizes.Keys, sizes.Width, sizes.ValueWidth, causal, y);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(q, k, v, sizes.Keys, sizes.Width, sizes.ValueWidth, causal, y, dy, call.Gradient("q"), call.Gradient("k"),
                call.Gradient("v"));
        }
        return y;
    }
}
