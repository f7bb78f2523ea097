namespace Lemma.Formulas;

/// <summary>S = q̂·k̂ᵀ/√d_h, q̂ and k̂ the rows of Q and K after the root-mean-square norm with gains of their own.</summary>
/// <remarks>
/// Q: [queries, d_h]; K: [keys, d_h]; S: [queries, keys]. Scores stay within √d_h·max|g_q·g_k|. Henry et al. 2020, eq. 2; Dehghani et al.
/// 2023, section 2.
/// </remarks>
public static class QueryKeyNorm
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "qk_norm",
        Group = "Normalization",
        Text = "S = norm(q)·norm(k)ᵀ/√d",
        Latex = @"S = \frac{\mathrm{norm}(q)\cdot\mathrm{norm}(k)^\top}{\sqrt{d}}",
        Shapes = "q: [queries, d]; k: [keys, d]; query_gain, key_gain: [d]; S: [queries, keys]",
        Symbols = "norm: rms_norm with a gain of its own",
        Source = "Henry et al. 2020, Query-key normalization, eq. 2; Dehghani et al. 2023, section 2",
        Gradient = "through both norms",
        Notes = "Scores cannot grow beyond √d·max|g_q·g_k|.",
        Example = "q[5,8] k[6,8] query_gain[8] key_gain[8] epsilon=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>S; keeps q̂, k̂ and their scales for the backward.</summary>
    public static void Forward(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> queryGain, ReadOnlySpan<float> keyGain,
        float epsilon,
        Span<float> scores, Span<float> qn, Span<float> kn, Span<float> queryScale, Span<float> keyScale)
    {
        RmsNorm.Forward(q, queryGain, epsilon, qn, queryScale);
        RmsNorm.Forward(k, keyGain, epsilon, kn, keyScale);
        SpanProduct.Multiply(queryScale.Length, keyScale.Length, queryGain.Length, qn, false, kn, true, scores);
        System.Numerics.Tensors.TensorPrimitives.Multiply(scores, 1 / MathF.Sqrt(queryGain.Length), scores);
    }

    /// <summary>dq̂ = dS·k̂/√d_h, dk̂ = dSᵀ·q̂/√d_h, then the norms' gradients.</summary>
    public static void Backward(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> queryGain, ReadOnlySpan<float> keyGain,
        ReadOnlySpan<float> qn, ReadOnlySpan<float> kn, ReadOnlySpan<float> queryScale, ReadOnlySpan<float> keyScale,
            ReadOnlySpan<float> dscores,
        Span<float> dq, Span<float> dk, Span<float> dqueryGain, Span<float> dkeyGain)
    {
        int d = queryGain.Length;
        float[] up = new float[dscores.Length];
        System.Numerics.Tensors.TensorPrimitives.Multiply(dscores, 1 / MathF.Sqrt(d), up);
        RmsNorm.Backward(q, queryGain, queryScale, SpanProduct.New(queryScale.Length, d, keyScale.Length, up, false, kn, false), dq,
            dqueryGain);
        RmsNorm.Backward(k, keyGain, keyScale, SpanProduct.New(keyScale.Length, d, queryScale.Length, up, true, qn, false), dk, dkeyGain);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call.Input("q", -1, -1), k = call.Input("k", -1, q.Columns), y = new(q.Rows, k.Rows), qn = q.Like(), kn = k.Like();
        Values queryGain = call.Input("query_gain", q.Columns), keyGain = call.Input("key_gain", q.Columns);
        float[] queryScale = new float[q.Rows], keyScale = new float[k.Rows];
        Forward(q, k, queryGain, keyGain, (float)call.Number("epsilon", 1e-6), y, qn, kn, queryScale, keyScale);
        if (call.Backward(y, out float[]? dy))
        {
            Backward(q, k, queryGain, keyGain, qn, kn, queryScale, keyScale, dy,
                call.Gradient("q"), call.Gradient("k"), call.Gradient("query_gain"), call.Gradient("key_gain"));
        }
        return y;
    }
}
