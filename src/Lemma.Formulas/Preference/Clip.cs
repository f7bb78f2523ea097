using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>min(r·A, clip(r, 1 − ε, 1 + ε)·A) of sixteen elements, and its slope by ln r.</summary>
internal readonly struct Clip(double epsilon)
{
    private readonly float least = (float)(1 - epsilon), most = (float)(1 + epsilon);

    /// <summary>r = π/π_old from the logs, whose difference is taken in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Ratio(Vector512<float> logs, Vector512<float> oldLogs)
    {
        (Vector512<double> lower, Vector512<double> upper) = Margins.Difference(logs, oldLogs);
        return VectorMath.Exp(Vector512.Narrow(lower, upper));
    }

    /// <summary>The smaller of the two products, the halves added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> Gain(Vector512<float> ratio, Vector512<float> advantage)
    {
        (Vector512<float> isClipped, Vector512<float> bound) = Bound(ratio, advantage);
        (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.ConditionalSelect(isClipped, bound, ratio));
        (Vector512<double> lowerA, Vector512<double> upperA) = Vector512.Widen(advantage);
        return lower * lowerA + upper * upperA;
    }

    /// <summary>scale·A·r, 0 where the clipped product is the smaller.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Slope(Vector512<float> ratio, Vector512<float> advantage, float scale) =>
        Vector512.AndNot(advantage * scale * ratio, Bound(ratio, advantage).IsClipped);

    // Above 1 + ε a gain no longer grows, below 1 − ε a loss. NaN is not clipped.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private (Vector512<float> IsClipped, Vector512<float> Bound) Bound(Vector512<float> ratio, Vector512<float> advantage)
    {
        Vector512<float> isAbove = Vector512.GreaterThan(advantage, default) & Vector512.GreaterThan(ratio, Vector512.Create(most));
        Vector512<float> isBelow = Vector512.LessThan(advantage, default) & Vector512.LessThan(ratio, Vector512.Create(least));
        return (isAbove | isBelow, Vector512.ConditionalSelect(isAbove, Vector512.Create(most), Vector512.Create(least)));
    }
}
