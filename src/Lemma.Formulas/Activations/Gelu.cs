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
        Latex = @"\mathrm{gelu}(x) = x\cdot\Phi(x) = \frac{x}{2}\left(1 + \mathrm{erf}\left(\frac{x}{\sqrt{2}}\right)\right)",
        Shapes = "x, y: any shape",
        Symbols = "Φ: the normal distribution function; NaN gives NaN",
        Source = "Hendrycks and Gimpel 2016, Gaussian error linear units, eq. 1",
        Gradient = "dx += (Φ(x) + x·φ(x))·dy, φ(x) = e^(−x²/2)/√(2π)",
        Notes = "By Φ itself, within 10⁻⁷, not by the tanh of gelu_tanh; 0 at −∞. Smallest value −0.17 near x = −0.75.",
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
        public static Vector512<float> Value(Vector512<float> x)
        {
            // max(x, 0) − |x|·Φ(−|x|): the same on both sides.
            (Vector512<float> size, Vector512<float> tail) = VectorMath.NormalTail(x);
            return Vector512.FusedMultiplyAdd(-size, tail, Vector512.MaxNative(default, x));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Derivative(Vector512<float> x)
        {
            // φ(16) is 0 in float32; beyond it an infinite x would count 0·∞.
            Vector512<float> near = Vector512.MinNative(Vector512.Create(16f), Vector512.MaxNative(Vector512.Create(-16f), x));
            Vector512<float> density = VectorMath.Exp(near * near * Vector512.Create(-0.5f));
            return Vector512.FusedMultiplyAdd(near * Vector512.Create(0.398942280f), density, VectorMath.Normal(x));
        }
    }
}
