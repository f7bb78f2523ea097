using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>tanh(x) = (e^x − e^(−x))/(e^x + e^(−x)) = 2σ(2x) − 1.</summary>
/// <remarks>x, y: any shape; NaN gives NaN. LeCun et al. 1998, Efficient backprop, section 4.4.</remarks>
public static class Tanh
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "tanh",
        Group = "Activations",
        Text = "tanh(x) = (e^x − e^(−x))/(e^x + e^(−x)) = 2σ(2x) − 1",
        Latex = @"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}} = 2\sigma(2x) - 1",
        Shapes = "x, y: any shape",
        Symbols = "range (−1, 1); ±∞ gives ±1, NaN gives NaN",
        Source = "LeCun et al. 1998, Efficient backprop, section 4.4",
        Gradient = "dx += (1 − tanh² x)·dy",
        Notes = "An odd function; saturates beyond |x| = 9 in float32.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33]",
        Plot = new FormulaPlot("x", -6, 6),
        Evaluate = Evaluations.Elementwise(Forward, Backward),
    };

    /// <summary>y = tanh x; y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, Span<float> y) => Elementwise.Forward<Function>(x, y);

    /// <summary>dx += (1 − tanh² x)·dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => Elementwise.Backward<Function>(x, dy, dx);

    internal readonly struct Function : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Value(Vector512<float> x) => VectorMath.Tanh(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Derivative(Vector512<float> x)
        {
            // 4e^(−2|x|)/(1 + e^(−2|x|))², which is 1 − tanh² without a difference of near equals.
            Vector512<float> small = VectorMath.Exp(Vector512.Abs(x) * Vector512.Create(-2f)), one = Vector512.Create(1f) + small;
            return Vector512.Create(4f) * small / (one * one);
        }
    }
}
