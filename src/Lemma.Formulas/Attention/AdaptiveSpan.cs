namespace Lemma.Formulas;

/// <summary>
/// a_ij = m(i − j)·e^s_ij/Σ m(i − j')·e^s_ij', m(x) = clip((z_h + R − x)/R, 0, 1): a soft span z_h that each head learns.
/// </summary>
/// <remarks>
/// q, k, v: [b, H, T, d], causal; span (z): [H], at least 0; R (ramp): positions over which a head fades out. Sukhbaatar et al. 2019, eq. 3
/// to 5.
/// </remarks>
public static class AdaptiveSpan
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "adaptive_span",
        Group = "Attention",
        Text = "a_ij = m(i − j)·e^(s_ij)/(Σ_k m(i − k)·e^(s_ik)), m(x) = clip((z_h + R − x)/R, 0, 1)",
        Shapes = "q, Y: [b, H, T, d]; k, v: [b, H_kv, T, d]; span (z): [H]",
        Symbols = "ramp (R): positions over which a head fades out; causal",
        Source = "Sukhbaatar et al. 2019, Adaptive attention span in transformers, eq. 3 to 5",
        Gradient = "as attention; dz_h += Σ ds/(R·m) on the ramp",
        Notes = "A head learns how far it looks.",
        Example = "q[1,2,7,4] k[1,2,7,4] v[1,2,7,4] span:1.4,2.6 ramp=2.7",
        Evaluate = Evaluate,
    };

    /// <summary>m(x), between 0 and 1.</summary>
    public static double Mask(double span, double ramp, int distance) => Math.Clamp((span + ramp - distance) / ramp, 0, 1);

    // m·e^s = e^(s + ln m): the mask is an addend of scores, and d ln m/dz = 1/(R·m) on the ramp.
    private readonly record struct Score(float[] Spans, double Ramp, int Offset, float[]? Gradient) : IScore
    {
        public float Add(int sequence, int head, int i, int j)
        {
            int back = i + Offset - j;
            double mask = back < 0 ? 0 : Mask(Spans[head], Ramp, back);
            return mask == 0 ? float.NegativeInfinity : (float)Math.Log(mask);
        }

        public void Accumulate(int sequence, int head, int i, int j, float gradient)
        {
            double mask = Mask(Spans[head], Ramp, i + Offset - j);
            if (mask is > 0 and < 1)
                Gradient![head] += (float)(gradient / (Ramp * mask));
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("adaptive_span", q, k, v);
        Values span = call.Input("span", sizes.Heads), y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        double ramp = call.Number("ramp", 32), scale = 1 / Math.Sqrt(sizes.Width);
        Check.That(ramp > 0, "adaptive_span", $"the ramp must be above 0, but it is {ramp}");
        float[] gradient = new float[sizes.Heads];
        Score score = new(span.Data, ramp, sizes.Keys - sizes.Queries, gradient);
        ScoredAttention.Forward(sizes, scale, q.Exact, k.Exact, v.Exact, score, y);
        if (call.Backward(y, out float[]? dy))
        {
            ScoredAttention.Backward(sizes, scale, q.Exact, k.Exact, v.Exact, score, Array.ConvertAll(dy, value => (double)value),
                call.Gradient("q"), call.Gradient("k"), call.Gradient("v"));
            Lanes.AddScaled(gradient, 1, call.Gradient("span"));
        }
        return y;
    }
}
