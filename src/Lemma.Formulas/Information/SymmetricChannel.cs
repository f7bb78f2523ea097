using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>C = 1 − H(p), H(p) = −p·log₂ p − (1 − p)·log₂(1 − p).</summary>
/// <remarks>
/// p, C: any shape; p: probability that a bit is flipped; C in bits a use. Shannon 1948, A mathematical theory of communication, section
/// 15.
/// </remarks>
public static class SymmetricChannel
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "binary_symmetric_capacity",
        Group = "Information",
        Text = "C = 1 − H(p), H(p) = −p·log₂ p − (1 − p)·log₂(1 − p)",
        Latex = @"C = 1 - H(p)\qquad H(p) = -p\log_2 p - (1 - p)\log_2(1 - p)",
        Shapes = "p, C: any shape",
        Symbols = "p: probability that a bit is flipped; C in bits a use",
        Source = "Shannon 1948, A mathematical theory of communication, section 15",
        Gradient = "dp += log₂(p/(1 − p))·dC",
        Notes = "0 at p = 1/2.",
        Example = "p[5]u",
        Plot = new FormulaPlot("p", 0.001, 0.999),
        Evaluate = Evaluate,
    };

    /// <summary>C in bits a use.</summary>
    public static double Forward(double p)
    {
        Check.That(p is >= 0 and <= 1, "binary_symmetric_capacity", $"p must lie in [0, 1], but it is {(float)p}");
        return 1 - (InformationUnit.Term(p) + InformationUnit.Term(1 - p)) / Math.Log(2);
    }

    /// <summary>C in bits a use, of each p.</summary>
    public static void Forward(ReadOnlySpan<float> p, Span<float> y)
    {
        Check.Probabilities("binary_symmetric_capacity", "p", p);
        Elementwise.Forward<Function>(p, y);
    }

    /// <summary>dp += log₂(p/(1 − p))·dC.</summary>
    public static void Backward(ReadOnlySpan<float> p, ReadOnlySpan<float> dy, Span<float> dp) => Elementwise.Backward<Function>(p, dy, dp);

    // With d = 1 − 2p: C is the excess of d over 2·ln 2, and near p = ½, where ln p and ln(1 − p) cancel, their difference is
    // ln(1 − d) − ln(1 + d).
    private readonly struct Function : IFunction
    {
        private const float Bit = 1.44269504f;

        public static Vector512<float> Value(Vector512<float> x) => Excess.Of(Apart(x)) * Vector512.Create(Bit / 2);

        public static Vector512<float> Derivative(Vector512<float> x)
        {
            Vector512<float> d = Apart(x), near = VectorMath.LogOnePlus(-d) - VectorMath.LogOnePlus(d);
            Vector512<float> far = VectorMath.Log(x) - VectorMath.LogOnePlus(-x);
            Vector512<float> isNear = Vector512.LessThan(Vector512.Abs(d), Vector512.Create(0.5f));
            return Vector512.ConditionalSelect(isNear, near, far) * Vector512.Create(Bit);
        }

        private static Vector512<float> Apart(Vector512<float> p) =>
            Vector512.FusedMultiplyAdd(Vector512.Create(-2f), p, Vector512.Create(1f));
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call["p"], y = p.Like();
        Forward(p, y);
        if (call.Backward(y, out float[]? dy))
            Backward(p, dy, call.Gradient("p"));
        return y;
    }
}
