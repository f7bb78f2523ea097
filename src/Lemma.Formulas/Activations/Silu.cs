using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = x·σ(x).</summary>
/// <remarks>x, y: any shape. Elfwing, Uchibe and Doya 2017, eq. 3.</remarks>
public static class Silu
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "silu",
        Group = "Activations",
        Text = "silu(x) = x·σ(x)",
        Latex = @"\mathrm{silu}(x) = x\cdot\sigma(x)",
        Shapes = "x, y: any shape",
        Symbols = "σ: the logistic function; NaN gives NaN",
        Source = "Elfwing, Uchibe and Doya 2017, eq. 3",
        Gradient = "dx += σ(x)(1 + x(1 − σ(x)))·dy",
        Notes = "swish with β = 1.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33]",
        Plot = new FormulaPlot("x", -6, 6),
        Evaluate = Evaluations.Elementwise(Forward, Backward),
    };

    /// <summary>y = x·σ(x); y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, Span<float> y) => Elementwise.Forward<Function>(x, y);

    /// <summary>dx += σ(x)(1 + x(1 − σ(x)))·dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => Elementwise.Backward<Function>(x, dy, dx);

    internal readonly struct Function : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Value(Vector512<float> x) => x * VectorMath.Sigmoid(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Derivative(Vector512<float> x)
        {
            Vector512<float> gate = VectorMath.Sigmoid(x);
            return gate * Vector512.FusedMultiplyAdd(x, Vector512.Create(1f) - gate, Vector512.Create(1f));
        }
    }
}
