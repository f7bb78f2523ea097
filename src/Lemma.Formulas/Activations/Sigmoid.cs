using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>σ(x) = 1/(1 + e^(−x)).</summary>
/// <remarks>x, y: any shape; NaN gives NaN. Verhulst 1838; LeCun et al. 1998, Efficient backprop, section 4.4.</remarks>
public static class Sigmoid
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "sigmoid",
        Group = "Activations",
        Text = "σ(x) = 1/(1 + e^(−x))",
        Latex = @"\sigma(x) = \frac{1}{1 + e^{-x}}",
        Shapes = "x, y: any shape",
        Symbols = "range (0, 1); ±∞ gives 1 and 0, NaN gives NaN",
        Source = "Verhulst 1838; LeCun et al. 1998, Efficient backprop, section 4.4",
        Gradient = "dx += σ(x)(1 − σ(x))·dy",
        Notes = "σ(−x) = 1 − σ(x); tanh x = 2σ(2x) − 1.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33]",
        Plot = new FormulaPlot("x", -6, 6),
        Evaluate = Evaluations.Elementwise(Forward, Backward),
    };

    /// <summary>y = σ(x); y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, Span<float> y) => Elementwise.Forward<Function>(x, y);

    /// <summary>dx += σ(x)(1 − σ(x))·dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => Elementwise.Backward<Function>(x, dy, dx);

    internal readonly struct Function : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Value(Vector512<float> x) => VectorMath.Sigmoid(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Derivative(Vector512<float> x)
        {
            // σ(−|x|) and σ(|x|) = 1 − it: the difference from 1 keeps its digits.
            Vector512<float> small = VectorMath.Exp(-Vector512.Abs(x)), one = Vector512.Create(1f) + small;
            return small / (one * one);
        }
    }
}
