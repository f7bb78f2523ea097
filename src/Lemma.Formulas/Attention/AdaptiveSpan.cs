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

    /// <summary>ln m(−n) of distances n, key minus query, from a first one on: m·e^s = e^(s + ln m), so the mask is an addend of scores.</summary>
    internal static void Line(double span, double ramp, int first, Span<float> line)
    {
        for (int n = 0; n < line.Length; n++)
            line[n] = first + n > 0 ? float.NegativeInfinity : (float)Math.Log(Mask(span, ramp, -(first + n)));
    }

    /// <summary>The gradient of a span from that of its line: d ln m/dz = 1/(R·m) on the ramp.</summary>
    internal static float LineGradient(double span, double ramp, int first, ReadOnlySpan<float> dline)
    {
        double sum = 0;
        for (int n = 0; n < dline.Length; n++)
        {
            double mask = first + n > 0 ? 0 : Mask(span, ramp, -(first + n));
            if (mask is > 0 and < 1)
                sum += dline[n] / (ramp * mask);
        }
        return (float)sum;
    }

    /// <summary>How many positions back the widest head sees, itself included; 0 for all.</summary>
    internal static int Reach(ReadOnlySpan<float> spans, double ramp)
    {
        double widest = Math.Ceiling(System.Numerics.Tensors.TensorPrimitives.Max(spans) + ramp);
        return widest is >= 1 and < 1 << 24 ? (int)widest : 0;
    }

    private readonly record struct Score(float[] Spans, double Ramp, int Offset, float[] Gradient) : IScore
    {
        public double Cap => 0;

        public double Sink(int head) => double.NegativeInfinity;

        public void AccumulateSink(int head, double gradient) { }

        public int Form(int i, int j) => 0;

        public float Add(int sequence, int head, int i, int j)
        {
            int back = i + Offset - j;
            return back >= 0 ? (float)Math.Log(Mask(Spans[head], Ramp, back)) : float.NegativeInfinity;
        }

        public void Accumulate(int sequence, int head, int i, int j, float gradient)
        {
            double mask = Mask(Spans[head], Ramp, i + Offset - j);
            if (mask is > 0 and < 1)
                Gradient[head] += (float)(gradient / (Ramp * mask));
        }
    }

    /// <summary>Y and ln Σ e^score, [b, H, T]; a head looks back as far as its span and ramp reach.</summary>
    public static void Forward(in HeadSizes sizes, ReadOnlySpan<float> spans, double ramp, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, Span<float> y, Span<float> logs)
    {
        CheckSpans(sizes, spans, ramp);
        HeadAttention.Forward(sizes, new HeadAttention.Mask(true, Reach(spans, ramp)), ShapeOf(sizes, spans, ramp), q, k, v, y, logs);
    }

    /// <summary>dQ, dK, dV and the gradients of the spans are added to.</summary>
    public static void Backward(in HeadSizes sizes, ReadOnlySpan<float> spans, double ramp, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk,
        Span<float> dv, Span<float> dspans)
    {
        CheckSpans(sizes, spans, ramp);
        Check.SameLength("adaptive_span", spans.Length, dspans.Length);
        ScoreShape shape = ShapeOf(sizes, spans, ramp);
        HeadAttention.Backward(sizes, new HeadAttention.Mask(true, Reach(spans, ramp)), shape, q, k, v, y, logs, dy, dq, dk, dv);
        for (int head = 0; head < spans.Length; head++)
            dspans[head] += LineGradient(spans[head], ramp, 1 - sizes.Keys, shape.LineOf(shape.BiasGradient, head));
    }

    private static ScoreShape ShapeOf(in HeadSizes sizes, ReadOnlySpan<float> spans, double ramp)
    {
        ScoreShape shape = ScoreShape.WithLines(sizes.Heads, sizes.Queries, sizes.Keys);
        for (int head = 0; head < spans.Length; head++)
            Line(spans[head], ramp, 1 - sizes.Keys, shape.LineOf(shape.Bias, head));
        return shape;
    }

    private static void CheckSpans(in HeadSizes sizes, ReadOnlySpan<float> spans, double ramp)
    {
        Check.SameLength("adaptive_span", sizes.Heads, spans.Length);
        Check.That(ramp > 0, "adaptive_span", $"the ramp must be above 0, but it is {ramp}");
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("adaptive_span", q, k, v);
        Values span = call.Input("span", sizes.Heads);
        double ramp = call.Number("ramp", 32);
        CheckSpans(sizes, span, ramp);
        if (ScoredEvaluation.NeedsDouble(sizes, q, k, v))
        {
            float[] gradient = new float[sizes.Heads];
            Values exact = ScoredEvaluation.RunInDouble(call, sizes, new Score(span.Data, ramp, sizes.Keys - sizes.Queries, gradient));
            if (call.Backward(exact, out _))
                Lanes.AddScaled(gradient, 1, call.Gradient("span"));
            return exact;
        }
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        float[] logs = new float[sizes.Rows];
        Forward(sizes, span, ramp, q, k, v, y, logs);
        if (call.Backward(y, out float[]? dy))
            Backward(sizes, span, ramp, q, k, v, y, logs, dy, call.Gradient("q"), call.Gradient("k"), call.Gradient("v"), call.Gradient("span"));
        return y;
    }
}
