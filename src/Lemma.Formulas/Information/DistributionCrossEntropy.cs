namespace Lemma.Formulas;

/// <summary>H(p, q) = −Σ p·log q.</summary>
/// <remarks>
/// p, q: [rows, n], distributions; H: [rows]; unit: bits or nats; ∞ where q is 0 and p is not. Kullback 1959; Cover and Thomas 2006,
/// section 5.4.
/// </remarks>
public static class DistributionCrossEntropy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "information_cross_entropy",
        Group = "Information",
        Text = "H(p, q) = −Σ p·log q",
        Shapes = "p, q: [rows, n], distributions; H: [rows]",
        Symbols = "unit: bits or nats; ∞ where q is 0 and p is not",
        Source = "Kullback 1959; Cover and Thomas 2006, section 5.4",
        Gradient = "dp += −ln q·dH, dq += −p/q·dH",
        Notes = "H(p, q) − H(p) = KL(p‖q) ≥ 0.",
        Example = "p[4,9]p q[4,9]p",
        Evaluate = Evaluate,
    };

    /// <summary>H(p, q).</summary>
    public static void Forward(ReadOnlySpan<float> p, ReadOnlySpan<float> q, int width, double unit, Span<float> y)
    {
        Check.SameLength("information_cross_entropy", p.Length, q.Length);
        Check.Distributions("information_cross_entropy", "p", p, width);
        Check.Distributions("information_cross_entropy", "q", q, width);
        y.Clear();
        for (int row = 0; row < y.Length; row++)
        {
            double sum = 0;
            for (int i = row * width; i < (row + 1) * width; i++)
                sum += p[i] == 0 ? 0 : -p[i] * Math.Log(q[i]);
            y[row] = (float)(sum * unit);
        }
    }

    /// <summary>dp += −ln q·dH;  dq += −p/q·dH.</summary>
    public static void Backward(ReadOnlySpan<float> p, ReadOnlySpan<float> q, int width, double unit, ReadOnlySpan<float> dy,
        Span<float> dp, Span<float> dq)
    {
        for (int i = 0; i < p.Length; i++)
        {
            dp[i] += (float)(unit * dy[i / width] * (-Math.Log(q[i])));
            dq[i] += (float)(unit * dy[i / width] * (p[i] == 0 ? 0 : -(double)p[i] / q[i]));
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call["p"], q = call.Same("q", p), y = new(p.Shape[..^1], new float[p.Rows]);
        double unit = InformationUnit.Read(call, "information_cross_entropy");
        Forward(p, q, p.Columns, unit, y);
        if (call.Backward(y, out float[]? dy))
            Backward(p, q, p.Columns, unit, dy, call.Gradient("p"), call.Gradient("q"));
        return y;
    }
}
