using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>‖g‖₂ = √Σ g², and the factor τ/‖g‖₂ that clips it when it is above τ.</summary>
/// <remarks>Pascanu, Mikolov and Bengio 2012, algorithm 1.</remarks>
public static class GradientNorm
{
    /// <summary>Σ g² of one range: lanes in float32 over 4,096 elements, then double. Ranges are added in order by the caller.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SumOfSquares(ReadOnlySpan<float> gradients)
    {
        double total = 0;
        while (!gradients.IsEmpty)
        {
            ReadOnlySpan<float> part = gradients[..Math.Min(4096, gradients.Length)];
            ref float start = ref MemoryMarshal.GetReference(part);
            Vector512<float> sum = default, more = default;
            int i = 0;
            for (; i + 2 * Lanes.Count <= part.Length; i += 2 * Lanes.Count)
            {
                Vector512<float> left = Lanes.Load(ref start, i), right = Lanes.Load(ref start, i + Lanes.Count);
                sum = Vector512.FusedMultiplyAdd(left, left, sum);
                more = Vector512.FusedMultiplyAdd(right, right, more);
            }
            for (; i < part.Length; i += Lanes.Count)
            {
                Vector512<float> left = i + Lanes.Count <= part.Length ? Lanes.Load(ref start, i) : Lanes.LoadTail(part[i..]);
                sum = Vector512.FusedMultiplyAdd(left, left, sum);
            }
            total += Lanes.Sum(sum + more);
            gradients = gradients[part.Length..];
        }
        return total;
    }

    /// <summary>τ/‖g‖₂ when ‖g‖₂ is above τ, else 1.</summary>
    public static float ClipFactor(double norm, double maximum) => norm > maximum ? (float)(maximum / norm) : 1;
}
