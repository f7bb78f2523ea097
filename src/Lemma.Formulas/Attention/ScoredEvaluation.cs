namespace Lemma.Formulas;

/// <summary>Runs attention with an addend over q, k and v of a call, forward and backward.</summary>
internal static class ScoredEvaluation
{
    public static Values Run<TScore>(FormulaCall call, in HeadSizes sizes, TScore score) where TScore : IScore
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
}
