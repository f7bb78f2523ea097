using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>−ln p.</summary>
internal readonly struct InformationTerm : IFunction
{
    public static Vector512<float> Value(Vector512<float> x) => -VectorMath.Log(x);

    public static Vector512<float> Derivative(Vector512<float> x) => Vector512.Create(-1f) / x;
}

/// <summary>−p·ln p, 0 at p = 0 with the slope 0.</summary>
internal readonly struct EntropyTerm : IFunction
{
    public static Vector512<float> Value(Vector512<float> x) => Vector512.AndNot(-(x * VectorMath.Log(x)), Vector512.Equals(x, default));

    public static Vector512<float> Derivative(Vector512<float> x) =>
        Vector512.AndNot(Vector512.Create(-1f) - VectorMath.Log(x), Vector512.Equals(x, default));
}

/// <summary>How far two probabilities are from their mean.</summary>
internal static class Excess
{
    /// <summary>(1 + d)·ln(1 + d) + (1 − d)·ln(1 − d) for −1 ≤ d ≤ 1, with all its digits near 0.</summary>
    /// <remarks>Below ¼ by its series Σ 2·d²ᵏ/(2k(2k − 1)), where the two terms cancel.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> d)
    {
        Vector512<float> one = Vector512.Create(1f), square = d * d, least = Vector512.Create(-104f);
        Vector512<float> series = Vector512.FusedMultiplyAdd(square, Vector512.Create(1 / 45f), Vector512.Create(1 / 28f));
        series = Vector512.FusedMultiplyAdd(series, square, Vector512.Create(1 / 15f));
        series = Vector512.FusedMultiplyAdd(series, square, Vector512.Create(1 / 6f));
        series = Vector512.FusedMultiplyAdd(series, square, one) * square;
        // A finite logarithm at −1, so that 0 times it is 0.
        Vector512<float> above = (one + d) * Vector512.Max(VectorMath.LogOnePlus(d), least);
        Vector512<float> whole = Vector512.FusedMultiplyAdd(one - d, Vector512.Max(VectorMath.LogOnePlus(-d), least), above);
        return Vector512.ConditionalSelect(Vector512.LessThan(Vector512.Abs(d), Vector512.Create(0.25f)), series, whole);
    }
}
