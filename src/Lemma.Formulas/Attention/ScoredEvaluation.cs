namespace Lemma.Formulas;

/// <summary>Runs attention with an addend over q, k and v of a call, forward and backward.</summary>
internal static class ScoredEvaluation
{
    // A float32 score above this has an error beyond 4·10⁻⁶, which its weight takes over.
    private const double Precise = 64;

    /// <summary>
    /// Whether scores may grow so large that float32 loses digits of their weights, or a value is infinite and its weight may be 0.
    /// </summary>
    public static bool NeedsDouble(in HeadSizes sizes, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v) =>
        !(LongestRow(q, sizes.Width) * LongestRow(k, sizes.Width) / Math.Sqrt(sizes.Width) < Precise)
        || (v.Length > 0 && !float.IsFinite(System.Numerics.Tensors.TensorPrimitives.MaxMagnitude(v)));

    /// <summary>Attention of projected heads: by the kernel in tiles, or in double where scores are large.</summary>
    public static void Forward(in HeadSizes sizes, HeadAttention.Mask mask, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v,
        Span<float> y, Span<float> logs)
    {
        if (NeedsDouble(sizes, q, k, v))
            ScoredAttention.Forward(sizes, ScaleOf(sizes, mask), Wide(q), Wide(k), Wide(v), ScoreOf(sizes, mask), y);
        else
            HeadAttention.Forward(sizes, mask, q, k, v, y, logs);
    }

    /// <summary>The backward of <see cref="Forward"/>, by the same choice.</summary>
    public static void Backward(in HeadSizes sizes, HeadAttention.Mask mask, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v,
        ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk, Span<float> dv)
    {
        if (NeedsDouble(sizes, q, k, v))
            ScoredAttention.Backward(sizes, ScaleOf(sizes, mask), Wide(q), Wide(k), Wide(v), ScoreOf(sizes, mask), Wide(dy), dq, dk, dv);
        else
            HeadAttention.Backward(sizes, mask, q, k, v, y, logs, dy, dq, dk, dv);
    }

    private static AttentionScore ScoreOf(in HeadSizes sizes, HeadAttention.Mask mask) =>
        new(mask, new ScoreShape(sizes.Heads, sizes.Queries, sizes.Keys));

    private static double ScaleOf(in HeadSizes sizes, HeadAttention.Mask mask) => mask.Scale == 0 ? 1 / Math.Sqrt(sizes.Width) : mask.Scale;

    private static double[] Wide(ReadOnlySpan<float> x)
    {
        double[] wide = new double[x.Length];
        System.Numerics.Tensors.TensorPrimitives.ConvertChecked<float, double>(x, wide);
        return wide;
    }

    /// <summary>A row at a time in double.</summary>
    public static Values RunInDouble<TScore>(FormulaCall call, in HeadSizes sizes, TScore score) where TScore : struct, IScore
    {
        Values q = call["q"], k = call["k"], v = call["v"], y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        double scale = 1 / Math.Sqrt(sizes.Width);
        ScoredAttention.Forward(sizes, scale, q.Exact, k.Exact, v.Exact, score, y);
        if (call.Backward(y, out float[]? dy))
        {
            ScoredAttention.Backward(sizes, scale, q.Exact, k.Exact, v.Exact, score, Wide(dy), call.Gradient("q"), call.Gradient("k"),
                call.Gradient("v"));
        }
        return y;
    }

    private static double LongestRow(ReadOnlySpan<float> x, int width)
    {
        double largest = 0;
        for (int row = 0; row < x.Length; row += width)
            largest = Math.Max(largest, Lanes.Dot(x.Slice(row, width), x.Slice(row, width)));
        return Math.Sqrt(largest);
    }
}
