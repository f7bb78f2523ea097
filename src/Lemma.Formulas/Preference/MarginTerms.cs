using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>
/// A term t(m) of a margin m, sixteen at a time: m in double, so that logs that are alike keep the digits of their difference.
/// </summary>
internal interface IMarginTerm
{
    /// <summary>t(m).</summary>
    (Vector512<double> Lower, Vector512<double> Upper) Value(Vector512<double> lower, Vector512<double> upper);

    /// <summary>t'(m).</summary>
    Vector512<float> Slope(Vector512<double> lower, Vector512<double> upper);
}

/// <summary>−(1 − ε)·ln σ(x) − ε·ln σ(−x), x = β·m − γ.</summary>
/// <remarks>−ln σ(x) = max(−x, 0) + ln(1 + e^−|x|): the first in double, the second, at most ln 2, in float32.</remarks>
internal readonly struct LogSigmoidTerm(double beta, double gamma, double smoothing) : IMarginTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (Vector512<double> Lower, Vector512<double> Upper) Value(Vector512<double> lower, Vector512<double> upper)
    {
        (lower, upper) = (lower * beta - Vector512.Create(gamma), upper * beta - Vector512.Create(gamma));
        (Vector512<double> smallLower, Vector512<double> smallUpper) =
            Vector512.Widen(VectorMath.LogOnePlusExp(Vector512.Narrow(lower, upper)));
        return (smallLower + Rise(lower), smallUpper + Rise(upper));
    }

    // −(1 − ε)·x below 0, ε·x above; 0 where the factor is, also for an infinite x. NaN comes from the other part.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<double> Rise(Vector512<double> x)
    {
        if (smoothing == 0)
            return Vector512.MaxNative(default, -x);
        Vector512<double> factor = Vector512.ConditionalSelect(Vector512.LessThan(x, default), Vector512.Create(smoothing - 1),
            Vector512.Create(smoothing));
        return Vector512.ConditionalSelect(Vector512.Equals(factor, default), default, factor * x);
    }

    // By m: β is left to the scale. ε·σ(x) − (1 − ε)·σ(−x), where the smaller of the two is e^−|x|/(1 + e^−|x|).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Slope(Vector512<double> lower, Vector512<double> upper)
    {
        Vector512<float> x = Vector512.Narrow(lower * beta - Vector512.Create(gamma), upper * beta - Vector512.Create(gamma));
        Vector512<float> e = VectorMath.Exp(-Vector512.Abs(x)), large = Vector512.Create(1f) / (Vector512.Create(1f) + e),
            small = e * large;
        Vector512<float> isNegative = Vector512.LessThan(x, default);
        Vector512<float> ofX = Vector512.ConditionalSelect(isNegative, small, large), ofMinus = Vector512.ConditionalSelect(isNegative,
            large, small);
        return ofX * (float)smoothing - ofMinus * (float)(1 - smoothing);
    }
}

/// <summary>(m − c)².</summary>
internal readonly struct SquareTerm(double center) : IMarginTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (Vector512<double> Lower, Vector512<double> Upper) Value(Vector512<double> lower, Vector512<double> upper)
    {
        (lower, upper) = (lower - Vector512.Create(center), upper - Vector512.Create(center));
        return (lower * lower, upper * upper);
    }

    // Half of the slope: the other factor of 2 is left to the scale, so that no number passes float32's range on the way.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Slope(Vector512<double> lower, Vector512<double> upper) =>
        Vector512.Narrow(lower - Vector512.Create(center), upper - Vector512.Create(center));
}

/// <summary>e^−m + m − 1.</summary>
internal readonly struct ExcessTerm : IMarginTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (Vector512<double> Lower, Vector512<double> Upper) Value(Vector512<double> lower, Vector512<double> upper) =>
        Vector512.Widen(VectorMath.ExpExcess(-Vector512.Narrow(lower, upper)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Slope(Vector512<double> lower, Vector512<double> upper) =>
        -VectorMath.ExpMinusOne(-Vector512.Narrow(lower, upper));
}
