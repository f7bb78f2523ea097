using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>Generalized advantages of at most sixteen trajectories, one a lane: the recurrence waits for itself in t alone.</summary>
internal static unsafe class Trajectories
{
    // Steps that are turned into lanes together; three pieces of them stay in the first-level cache.
    private const int Steps = 64, Side = Lanes.Count;

    /// <summary>A, from the last step to the first.</summary>
    public static void Forward(ReadOnlySpan<float> rewards, ReadOnlySpan<float> values, int count, int steps, double gamma,
        double lambda, Span<float> advantages)
    {
        float* r = stackalloc float[Steps * Side], v = stackalloc float[(Steps + 1) * Side];
        new Span<float>(r, Steps * Side).Clear();
        new Span<float>(v, (Steps + 1) * Side).Clear();
        (Vector512<double> Lower, Vector512<double> Upper) next = default;
        fixed (float* fromR = rewards, fromV = values, to = advantages)
        {
            for (int end = steps; end > 0; end -= Steps)
            {
                int start = Math.Max(0, end - Steps), length = end - start;
                Packing.TransposeLines(fromR + start, steps, count, length, r, Side);
                Packing.TransposeLines(fromV + start, steps + 1, count, length + 1, v, Side);
                next = Advance(r, v, length, gamma, gamma * lambda, next);
                Packing.TransposeLines(r, Side, length, count, to + start, steps);
            }
        }
    }

    // A over the rewards.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (Vector512<double> Lower, Vector512<double> Upper) Advance(float* r, float* v, int length, double gamma,
        double decay, (Vector512<double> Lower, Vector512<double> Upper) next)
    {
        (Vector512<double> lower, Vector512<double> upper) = next;
        (Vector512<double> lowerAfter, Vector512<double> upperAfter) = Vector512.Widen(Vector512.Load(v + length * Side));
        Vector512<double> discount = Vector512.Create(gamma), factor = Vector512.Create(decay);
        for (int at = (length - 1) * Side; at >= 0; at -= Side)
        {
            (Vector512<double> lowerR, Vector512<double> upperR) = Vector512.Widen(Vector512.Load(r + at));
            (Vector512<double> lowerV, Vector512<double> upperV) = Vector512.Widen(Vector512.Load(v + at));
            lower = Vector512.FusedMultiplyAdd(factor, lower, Vector512.FusedMultiplyAdd(discount, lowerAfter, lowerR) - lowerV);
            upper = Vector512.FusedMultiplyAdd(factor, upper, Vector512.FusedMultiplyAdd(discount, upperAfter, upperR) - upperV);
            Vector512.Narrow(lower, upper).Store(r + at);
            (lowerAfter, upperAfter) = (lowerV, upperV);
        }
        return (lower, upper);
    }
}
