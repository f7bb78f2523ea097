namespace Lemma.Formulas;

/// <summary>JS(p, q) = H((p + q)/2) − (H(p) + H(q))/2.</summary>
/// <remarks>
/// p, q: [rows, n], distributions; JS: [rows]; unit: bits or nats; between 0 and 1 bit. Lin 1991, Divergence measures based on the Shannon
/// entropy, eq. 4.1.
/// </remarks>
public static class JensenShannon
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "jensen_shannon",
        Group = "Information",
        Text = "JS(p, q) = H((p + q)/2) − (H(p) + H(q))/2",
        Shapes = "p, q: [rows, n], distributions; JS: [rows]",
        Symbols = "unit: bits or nats; between 0 and 1 bit",
        Source = "Lin 1991, Divergence measures based on the Shannon entropy, eq. 4.1",
        Gradient = "dp += ln(p/m)/2·dJS, dq += ln(q/m)/2·dJS, m = (p + q)/2",
        Notes = "Symmetric and bounded, unlike KL.",
        Example = "p[4,9]p q[4,9]p",
        Evaluate = Evaluate,
    };

    /// <summary>JS(p, q).</summary>
    public static void Forward(ReadOnlySpan<float> p, ReadOnlySpan<float> q, int width, double unit, Span<float> y)
    {
        Check.SameLength("jensen_shannon", p.Length, q.Length);
        Check.Distributions("jensen_shannon", "p", p, width);
        Check.Distributions("jensen_shannon", "q", q, width);
        y.Clear();
        for (int row = 0; row < y.Length; row++)
        {
            double sum = 0;
            for (int i = row * width; i < (row + 1) * width; i++)
                sum += InformationUnit.Term(((double)p[i] + q[i]) / 2) - (InformationUnit.Term(p[i]) + InformationUnit.Term(q[i])) / 2;
            y[row] = (float)(sum * unit);
        }
    }

    /// <summary>dp += ln(p/m)/2·dJS, m = (p + q)/2, and the same for q.</summary>
    public static void Backward(ReadOnlySpan<float> p, ReadOnlySpan<float> q, int width, double unit, ReadOnlySpan<float> dy,
        Span<float> dp, Span<float> dq)
    {
        for (int i = 0; i < p.Length; i++)
        {
            dp[i] += (float)(unit * dy[i / width] * (p[i] == 0 ? 0 : 0.5 * Math.Log(2.0 * p[i] / ((double)p[i] + q[i]))));
            dq[i] += (float)(unit * dy[i / width] * (q[i] == 0 ? 0 : 0.5 * Math.Log(2.0 * q[i] / ((double)p[i] + q[i]))));
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call["p"], q = call.Same("q", p), y = new(p.Shape[..^1], new float[p.Rows]);
        double unit = InformationUnit.Read(call, "jensen_shannon");
        Forward(p, q, p.Columns, unit, y);
        if (call.Backward(y, out float[]? dy))
            Backward(p, q, p.Columns, unit, dy, call.Gradient("p"), call.Gradient("q"));
        return y;
    }
}
