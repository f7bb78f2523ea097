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
        Latex = """
            a_{ij} = \frac{m(i - j)\cdot e^{s_{ij}}}{\sum_k m(i - k)\cdot e^{s_{ik}}}
            m(x) = \mathrm{clip}\left(\frac{z_h + R - x}{R}, 0, 1\right)
            """,
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

    // m·e^s = e^(s + ln m): the mask is an addend of scores, and d ln m/dz = 1/(R·m) on the ramp. Logs[head]: ln m by distance.
    private readonly record struct Score(float[][] Logs, float[] Spans, double Ramp, int Offset, float[]? Gradient) : IScore
    {
        public double Cap => 0;

        public double Sink(int head) => double.NegativeInfinity;

        public void AccumulateSink(int head, double gradient) { }

        public int Form(int i, int j) => 0;

        public bool Hides(int query, int queries, int key, int keys) => false;

        public float Add(int sequence, int head, int i, int j)
        {
            int back = i + Offset - j;
            return back >= 0 && back < Logs[head].Length ? Logs[head][back] : float.NegativeInfinity;
        }

        public void Accumulate(int sequence, int head, int i, int j, float gradient)
        {
            double mask = Mask(Spans[head], Ramp, i + Offset - j);
            if (mask is > 0 and < 1)
                Gradient![head] += (float)(gradient / (Ramp * mask));
        }
    }

    /// <summary>Y and ln Σ e^score, [b, H, T]; a head looks back as far as its span and ramp reach.</summary>
    public static void Forward(in HeadSizes sizes, ReadOnlySpan<float> spans, double ramp, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, Span<float> y, Span<float> logs) =>
        HeadAttention.Forward(sizes, MaskOf(spans, ramp), ScoreOf(sizes, spans, ramp, null), q, k, v, y, logs);

    /// <summary>dQ, dK, dV and the gradients of the spans are added to.</summary>
    public static void Backward(in HeadSizes sizes, ReadOnlySpan<float> spans, double ramp, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk,
        Span<float> dv, Span<float> dspans)
    {
        Check.SameLength("adaptive_span", spans.Length, dspans.Length);
        float[] gradient = new float[spans.Length];
        HeadAttention.Backward(sizes, MaskOf(spans, ramp), ScoreOf(sizes, spans, ramp, gradient), q, k, v, y, logs, dy, dq, dk, dv);
        Lanes.AddScaled(gradient, 1, dspans);
    }

    // No head sees further back than the widest.
    private static HeadAttention.Mask MaskOf(ReadOnlySpan<float> spans, double ramp)
    {
        double widest = Math.Ceiling(System.Numerics.Tensors.TensorPrimitives.Max(spans) + ramp);
        return new HeadAttention.Mask(true, widest is >= 1 and < 1 << 24 ? (int)widest : 0);
    }

    private static Score ScoreOf(in HeadSizes sizes, ReadOnlySpan<float> spans, double ramp, float[]? gradient)
    {
        Check.SameLength("adaptive_span", sizes.Heads, spans.Length);
        Check.That(ramp > 0, "adaptive_span", $"the ramp must be above 0, but it is {ramp}");
        float[][] logs = new float[spans.Length][];
        for (int head = 0; head < logs.Length; head++)
        {
            float span = spans[head];
            logs[head] = [.. Enumerable.Range(0, sizes.Keys).Select(back => (float)Math.Log(Mask(span, ramp, back)))];
        }
        return new Score(logs, spans.ToArray(), ramp, sizes.Keys - sizes.Queries, gradient);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("adaptive_span", q, k, v);
        Values span = call.Input("span", sizes.Heads);
        float[] gradient = new float[sizes.Heads];
        double ramp = call.Number("ramp", 32);
        Score score = ScoreOf(sizes, span, ramp, gradient);
        Values y = ScoredEvaluation.Run(call, sizes, MaskOf(span, ramp), score);
        if (call.Backward(y, out _))
            Lanes.AddScaled(gradient, 1, call.Gradient("span"));
        return y;
    }
}
