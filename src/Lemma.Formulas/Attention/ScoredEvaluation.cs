namespace Lemma.Formulas;

/// <summary>Runs attention with an addend over q, k and v of a call, forward and backward.</summary>
internal static class ScoredEvaluation
{
    // A float32 score above this has an error beyond 4·10⁻⁶, which its weight takes over.
    private const double Precise = 64;

    /// <summary>
    /// Whether scores may grow so large that float32 loses digits of their weights, or a value is infinite and its weight may be 0.
    /// </summary>
    public static bool NeedsDouble(in HeadSizes sizes, Values q, Values k, Values v) =>
        !(LongestRow(q, sizes.Width) * LongestRow(k, sizes.Width) / Math.Sqrt(sizes.Width) < Precise)
        || (v.Count > 0 && !float.IsFinite(System.Numerics.Tensors.TensorPrimitives.MaxMagnitude<float>(v.Data)));

    /// <summary>By the kernel in tiles, or in double where scores are large.</summary>
    public static Values Run<TScore>(FormulaCall call, in HeadSizes sizes, HeadAttention.Mask mask, TScore score) where TScore : struct, IScore
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        if (NeedsDouble(sizes, q, k, v))
            return RunInDouble(call, sizes, score);
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        float[] logs = new float[sizes.Rows];
        HeadAttention.Forward(sizes, mask, score, q, k, v, y, logs);
        if (call.Backward(y, out float[]? dy))
            HeadAttention.Backward(sizes, mask, score, q, k, v, y, logs, dy, call.Gradient("q"), call.Gradient("k"), call.Gradient("v"));
        return y;
    }

    /// <summary>A row at a time in double.</summary>
    public static Values RunInDouble<TScore>(FormulaCall call, in HeadSizes sizes, TScore score) where TScore : struct, IScore
    {
        Values q = call["q"], k = call["k"], v = call["v"], y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        double scale = 1 / Math.Sqrt(sizes.Width);
        ScoredAttention.Forward(sizes, scale, q.Exact, k.Exact, v.Exact, score, y);
        if (call.Backward(y, out float[]? dy))
        {
            ScoredAttention.Backward(sizes, scale, q.Exact, k.Exact, v.Exact, score, Array.ConvertAll(dy, value => (double)value),
                call.Gradient("q"), call.Gradient("k"), call.Gradient("v"));
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
