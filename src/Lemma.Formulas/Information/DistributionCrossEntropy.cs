using System.Runtime.Intrinsics;

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
        Latex = @"H(p, q) = -\sum_i p_i\log q_i",
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
        Check.SameLength("information_cross_entropy", p.Length / width, y.Length);
        for (int row = 0; row < y.Length; row++)
            y[row] = (float)(unit * Terms.Sum(default(Term), p.Slice(row * width, width), q.Slice(row * width, width)));
    }

    /// <summary>dp += −ln q·dH;  dq += −p/q·dH.</summary>
    public static void Backward(ReadOnlySpan<float> p, ReadOnlySpan<float> q, int width, double unit, ReadOnlySpan<float> dy,
        Span<float> dp, Span<float> dq)
    {
        Check.SameLength("information_cross_entropy", p.Length, dp.Length);
        Check.SameLength("information_cross_entropy", p.Length, dq.Length);
        for (int row = 0, at = 0; row < dy.Length; row++, at += width)
        {
            Terms.AddSlopes(default(Term), p.Slice(at, width), q.Slice(at, width), (float)(unit * dy[row]), dp.Slice(at, width),
                dq.Slice(at, width));
        }
    }

    private readonly struct Term : ITerm
    {
        public Vector512<float> Value(Vector512<float> a, Vector512<float> b) =>
            Vector512.AndNot(-(a * VectorMath.Log(b)), Vector512.Equals(a, default));

        public (Vector512<float> A, Vector512<float> B) Slopes(Vector512<float> a, Vector512<float> b) =>
            (-VectorMath.Log(b), Vector512.AndNot(-(a / b), Vector512.Equals(a, default)));
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
