using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>One row of A times Bᵀ in rows: a decoded token reads each weight once, so packing would cost as much as the product.</summary>
/// <remarks>
/// The trick: blocks of 8 weights' rows and 4 steps are turned in registers, which leaves the sums in the order of <see cref="MatrixProduct"/>,
/// a chain of fused products a block of 384 steps, so the bits are those of many rows.
/// <code>
///   16 rows of B │ k → │     8 rows × 4 steps: 8 loads of 4, 8 unpacks, then for each step sums[8] += x·(8 weights)
/// </code>
/// </remarks>
internal static unsafe class RowProduct
{
    /// <summary>Rows of B that are taken together: two chains of sums, so that one waits while the other adds.</summary>
    public const int Together = 16;

    /// <summary>Whether this processor can.</summary>
    public static bool IsSupported => Avx.IsSupported;

    /// <summary>cⱼ = Σ xₖ·bⱼₖ, or added to c, for a multiple of <see cref="Together"/> rows of B.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(int n, int k, float* x, float* b, nint stride, float* c, bool add)
    {
        for (int row = 0; row < n; row += Together, b += Together * stride, c += Together)
        {
            Vector256<float> first = default, second = default;
            for (int step = 0; step < k; step += Tile.Depth)
            {
                int depth = Math.Min(Tile.Depth, k - step);
                (Vector256<float> low, Vector256<float> high) = Sums(depth, x + step, b + step, stride);
                bool isFirst = step == 0 && !add;
                (first, second) = isFirst ? (low, high)
                    : step == 0 ? (low + Vector256.Load(c), high + Vector256.Load(c + 8)) : (low + first, high + second);
            }
            first.Store(c);
            second.Store(c + 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Low, Vector256<float> High) Sums(int depth, float* x, float* b, nint stride)
    {
        Vector256<float> low = default, high = default;
        int step = 0;
        for (; step + 4 <= depth; step += 4)
        {
            float* at = b + step;
            // The next rows arrive while these are summed.
            if ((step & 15) == 0)
                Fetch(at + Together * stride, stride);
            low = FourSteps(x + step, at, stride, low);
            high = FourSteps(x + step, at + 8 * stride, stride, high);
        }
        for (; step < depth; step++)
        {
            Vector256<float> own = Vector256.Create(x[step]);
            low = Vector256.FusedMultiplyAdd(own, Column(b + step, stride), low);
            high = Vector256.FusedMultiplyAdd(own, Column(b + 8 * stride + step, stride), high);
        }
        return (low, high);
    }

    // Rows i and i + 4 share a vector: after two rounds of unpacking each vector holds one step of all eight rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FourSteps(float* x, float* at, nint stride, Vector256<float> sums)
    {
        Vector256<float> r0 = Pair(at, stride), r1 = Pair(at + stride, stride), r2 = Pair(at + 2 * stride, stride), r3 = Pair(at + 3 * stride, stride);
        Vector256<double> low01 = Avx.UnpackLow(r0, r1).AsDouble(), high01 = Avx.UnpackHigh(r0, r1).AsDouble();
        Vector256<double> low23 = Avx.UnpackLow(r2, r3).AsDouble(), high23 = Avx.UnpackHigh(r2, r3).AsDouble();
        sums = Vector256.FusedMultiplyAdd(Vector256.Create(x[0]), Avx.UnpackLow(low01, low23).AsSingle(), sums);
        sums = Vector256.FusedMultiplyAdd(Vector256.Create(x[1]), Avx.UnpackHigh(low01, low23).AsSingle(), sums);
        sums = Vector256.FusedMultiplyAdd(Vector256.Create(x[2]), Avx.UnpackLow(high01, high23).AsSingle(), sums);
        return Vector256.FusedMultiplyAdd(Vector256.Create(x[3]), Avx.UnpackHigh(high01, high23).AsSingle(), sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(float* at, nint stride) => Avx.InsertVector128(Vector128.Load(at).ToVector256Unsafe(), Vector128.Load(at + 4 * stride), 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Column(float* at, nint stride) => Vector256.Create(at[0], at[stride], at[2 * stride], at[3 * stride], at[4 * stride],
        at[5 * stride], at[6 * stride], at[7 * stride]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(float* at, nint stride)
    {
        for (int row = 0; row < Together; row++)
            Sse.Prefetch1(at + row * stride);
    }
}
