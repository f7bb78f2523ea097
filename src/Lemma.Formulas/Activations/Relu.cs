using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>relu(x) = max(0, x).</summary>
/// <remarks>x, y: any shape; NaN gives NaN. Nair and Hinton 2010, section 2.</remarks>
public static class Relu
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "relu",
        Group = "Activations",
        Text = "relu(x) = max(0, x)",
        Latex = @"\mathrm{relu}(x) = \max(0, x)",
        Shapes = "x, y: any shape",
        Symbols = "NaN gives NaN",
        Source = "Nair and Hinton 2010, section 2",
        Gradient = "dx += dy where x > 0",
        Notes = "The derivative at 0 is 0; a unit below 0 for every input is dead and learns nothing.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33]",
        Plot = new FormulaPlot("x", -6, 6),
        Evaluate = Evaluations.Elementwise(Forward, Backward),
    };

    /// <summary>y = max(0, x); y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, Span<float> y) => Elementwise.Forward<Function>(x, y);

    /// <summary>dx += dy where x > 0.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => Elementwise.Backward<Function>(x, dy, dx);

    internal readonly struct Function : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Value(Vector512<float> x) => Vector512.Max(x, default);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Derivative(Vector512<float> x) =>
            Vector512.ConditionalSelect(Vector512.GreaterThan(x, default), Vector512.Create(1f), Vector512.IsNaN(x) & x);
    }
}
