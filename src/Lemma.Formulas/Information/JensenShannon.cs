using System.Runtime.Intrinsics;

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
        Latex = @"\mathrm{JS}(p, q) = H\left(\frac{p + q}{2}\right) - \frac{H(p) + H(q)}{2}",
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
        Check.SameLength("jensen_shannon", p.Length / width, y.Length);
        for (int row = 0; row < y.Length; row++)
            y[row] = (float)(unit * Terms.Sum(default(Term), p.Slice(row * width, width), q.Slice(row * width, width)));
    }

    /// <summary>dp += ln(p/m)/2·dJS, m = (p + q)/2, and the same for q.</summary>
    public static void Backward(ReadOnlySpan<float> p, ReadOnlySpan<float> q, int width, double unit, ReadOnlySpan<float> dy,
        Span<float> dp, Span<float> dq)
    {
        Check.SameLength("jensen_shannon", p.Length, dp.Length);
        Check.SameLength("jensen_shannon", p.Length, dq.Length);
        for (int row = 0, at = 0; row < dy.Length; row++, at += width)
        {
            Terms.AddSlopes(default(Term), p.Slice(at, width), q.Slice(at, width), (float)(unit * dy[row]), dp.Slice(at, width),
                dq.Slice(at, width));
        }
    }

    // With d = (p − q)/(p + q), p = m(1 + d) and q = m(1 − d): the term is m/2 times the excess of d, and ln(p/m) = ln(1 + d).
    private readonly struct Term : ITerm
    {
        public Vector512<float> Value(Vector512<float> a, Vector512<float> b) => (a + b) * Vector512.Create(0.25f) * Excess.Of(Apart(a, b));

        public (Vector512<float> A, Vector512<float> B) Slopes(Vector512<float> a, Vector512<float> b)
        {
            Vector512<float> d = Apart(a, b), half = Vector512.Create(0.5f);
            return (Vector512.AndNot(half * VectorMath.LogOnePlus(d), Vector512.Equals(a, default)),
                Vector512.AndNot(half * VectorMath.LogOnePlus(-d), Vector512.Equals(b, default)));
        }

        private static Vector512<float> Apart(Vector512<float> a, Vector512<float> b)
        {
            Vector512<float> sum = a + b;
            return Vector512.AndNot((a - b) / sum, Vector512.Equals(sum, default));
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
