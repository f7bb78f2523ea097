using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = max(0, x)².</summary>
/// <remarks>x, y: any shape; NaN gives NaN. So et al. 2021, Primer, section 3.</remarks>
internal static class SquaredRelu
{
    /// <summary>y = max(0, x)²; y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, Span<float> y) => Elementwise.Forward<Function>(x, y);

    /// <summary>dx += 2·max(0, x)·dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => Elementwise.Backward<Function>(x, dy, dx);

    private readonly struct Function : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Value(Vector512<float> x)
        {
            Vector512<float> positive = Vector512.Max(x, default);
            return positive * positive;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Derivative(Vector512<float> x) => Vector512.Max(x, default) * 2f;
    }
}
