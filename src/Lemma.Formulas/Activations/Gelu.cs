using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = x·Φ(x) = x/2·(1 + erf(x/√2)).</summary>
/// <remarks>x, y: any shape. Hendrycks and Gimpel 2016, eq. 1.</remarks>
public static class Gelu
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "gelu",
        Group = "Activations",
        Text = "gelu(x) = x·Φ(x) = x/2·(1 + erf(x/√2))",
        Shapes = "x, y: any shape",
        Symbols = "Φ: the normal distribution function; NaN gives NaN",
        Source = "Hendrycks and Gimpel 2016, Gaussian error linear units, eq. 1",
        Gradient = "dx += (Φ(x) + x·φ(x))·dy, φ(x) = e^(−x²/2)/√(2π)",
        Notes = "By Φ itself, within 10⁻⁷, not by the tanh of gelu_tanh; 0 and x beyond ∓5.5. Smallest value −0.17 near x = −0.75.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33]",
        Plot = new FormulaPlot("x", -6, 6),
        Evaluate = Evaluations.Elementwise(Forward, Backward),
    };

    /// <summary>y = x·Φ(x); y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, Span<float> y) => Elementwise.Forward<Function>(x, y);

    /// <summary>dx += (Φ(x) + x·φ(x))·dy, φ(x) = e^(−x²/2)/√(2π).</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => Elementwise.Backward<Function>(x, dy, dx);

    internal readonly struct Function : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Value(Vector512<float> x) => x * VectorMath.Normal(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Derivative(Vector512<float> x) =>
            Vector512.FusedMultiplyAdd(x * Vector512.Create(0.398942280f), VectorMath.Exp(x * x * Vector512.Create(-0.5f)), VectorMath.Normal(x));
    }
}
