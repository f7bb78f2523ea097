using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = x/2·(1 + tanh(√(2/π)(x + 0.044715x³))), GPT-2's approximation of GELU.</summary>
/// <remarks>
/// x, y: any shape. Hendrycks and Gimpel 2016, section 2. Computed as x·σ(2u), the same function since (1 + tanh u)/2 = σ(2u).
/// </remarks>
public static class GeluTanh
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "gelu_tanh",
        Group = "Activations",
        Text = "y = x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))",
        Latex = @"y = \frac{x}{2}\left(1 + \tanh\left(\sqrt{\frac{2}{\pi}}\left(x + 0.044715\cdot x^3\right)\right)\right)",
        Shapes = "x, y: any shape",
        Symbols = "NaN gives NaN",
        Source = "Hendrycks and Gimpel 2016, Gaussian error linear units, section 2",
        Gradient = "dx += (σ(2u) + 2x·u'·σ(2u)(1 − σ(2u)))·dy, u = √(2/π)(x + 0.044715x³)",
        Notes = "GPT-2's approximation of gelu; computed as x·σ(2u), the same function.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33]",
        Plot = new FormulaPlot("x", -6, 6),
        Evaluate = Evaluations.Elementwise(Forward, Backward),
    };

    /// <summary>y = x·σ(2u), u = √(2/π)(x + 0.044715x³); y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, Span<float> y) => Elementwise.Forward<Function>(x, y);

    /// <summary>dx += (σ(2u) + 2x·u'·σ(2u)(1 − σ(2u)))·dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => Elementwise.Backward<Function>(x, dy, dx);

    internal readonly struct Function : IFunction
    {
        private const float Linear = 1.59576912f, Cubic = 0.0713548163f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Value(Vector512<float> x) => x * Gate(x, x * x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Derivative(Vector512<float> x)
        {
            // Beyond 30 the gate is 0 or 1 and the second term vanishes; the clamp keeps its cube finite.
            Vector512<float> near = Vector512.MinNative(Vector512.Create(30f), Vector512.MaxNative(Vector512.Create(-30f), x)),
                square = near * near;
            Vector512<float> gate = Gate(near, square);
            Vector512<float> slope = Vector512.FusedMultiplyAdd(square, Vector512.Create(3 * Cubic), Vector512.Create(Linear));
            return Vector512.FusedMultiplyAdd(near * slope, gate * (Vector512.Create(1f) - gate), gate);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<float> Gate(Vector512<float> x, Vector512<float> square) =>
            VectorMath.Sigmoid(x * Vector512.FusedMultiplyAdd(square, Vector512.Create(Cubic), Vector512.Create(Linear)));
    }
}
