using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>The 6 × 16 register tile for 256-bit vectors: 12 accumulators of 16 registers, two vectors of B and one broadcast of A a step.</summary>
/// <remarks>A panel of B, 384 × 16, stays in the first-level cache while panels of A, half its size, stream from the second.</remarks>
internal static unsafe class Tile256
{
    /// <summary>The tile's sizes.</summary>
    public const int Rows = 6, Columns = 16;

    /// <summary>C = A·B, or C += A·B, for the first <paramref name="rows"/> rows of a packed panel of A and one packed panel of B.</summary>
    public static void Multiply(int rows, int k, float* a, float* b, float* c, nint stride, Into into)
    {
        switch (rows)
        {
            case > 4: Rows6(k, a, b, c, stride, into); break;
            case > 2: Rows4(k, a, b, c, stride, into); break;
            case 2: Rows2(k, a, b, c, stride, into); break;
            default: Rows1(k, a, b, c, stride, into); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fused(Vector256<float> x, Vector256<float> y, Vector256<float> sum) =>
        Vector256.FusedMultiplyAdd(x, y, sum);

    // Where another thread shares the core, instructions are what the tile waits for: a loop's own five are shared by four steps.
    private const int Unrolled = 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(float* a, float* b, ref Vector256<float> p0, ref Vector256<float> q0, ref Vector256<float> p1, ref Vector256<float> q1,
        ref Vector256<float> p2, ref Vector256<float> q2, ref Vector256<float> p3, ref Vector256<float> q3)
    {
        Vector256<float> left = Vector256.Load(b), right = Vector256.Load(b + 8), x;
        x = Vector256.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
        x = Vector256.Create(a[1]); p1 = Fused(x, left, p1); q1 = Fused(x, right, q1);
        x = Vector256.Create(a[2]); p2 = Fused(x, left, p2); q2 = Fused(x, right, q2);
        x = Vector256.Create(a[3]); p3 = Fused(x, left, p3); q3 = Fused(x, right, q3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(float* a, float* b, ref Vector256<float> p0, ref Vector256<float> q0, ref Vector256<float> p1, ref Vector256<float> q1,
        ref Vector256<float> p2, ref Vector256<float> q2, ref Vector256<float> p3, ref Vector256<float> q3, ref Vector256<float> p4, ref Vector256<float> q4,
        ref Vector256<float> p5, ref Vector256<float> q5)
    {
        Vector256<float> left = Vector256.Load(b), right = Vector256.Load(b + 8), x;
        x = Vector256.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
        x = Vector256.Create(a[1]); p1 = Fused(x, left, p1); q1 = Fused(x, right, q1);
        x = Vector256.Create(a[2]); p2 = Fused(x, left, p2); q2 = Fused(x, right, q2);
        x = Vector256.Create(a[3]); p3 = Fused(x, left, p3); q3 = Fused(x, right, q3);
        x = Vector256.Create(a[4]); p4 = Fused(x, left, p4); q4 = Fused(x, right, q4);
        x = Vector256.Create(a[5]); p5 = Fused(x, left, p5); q5 = Fused(x, right, q5);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows6(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector256<float> p0 = default, q0 = default, p1 = default, q1 = default, p2 = default, q2 = default, p3 = default, q3 = default,
            p4 = default, q4 = default, p5 = default, q5 = default;
        if (into == Into.Continue)
        {
            p0 = Vector256.Load(c); q0 = Vector256.Load(c + 8);
            p1 = Vector256.Load(c + stride); q1 = Vector256.Load(c + stride + 8);
            p2 = Vector256.Load(c + 2 * stride); q2 = Vector256.Load(c + 2 * stride + 8);
            p3 = Vector256.Load(c + 3 * stride); q3 = Vector256.Load(c + 3 * stride + 8);
            p4 = Vector256.Load(c + 4 * stride); q4 = Vector256.Load(c + 4 * stride + 8);
            p5 = Vector256.Load(c + 5 * stride); q5 = Vector256.Load(c + 5 * stride + 8);
        }
        for (; k >= Unrolled; k -= Unrolled, a += Unrolled * Rows, b += Unrolled * Columns)
        {
            Step(a, b, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3, ref p4, ref q4, ref p5, ref q5);
            Step(a + Rows, b + Columns, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3, ref p4, ref q4, ref p5, ref q5);
            Step(a + 2 * Rows, b + 2 * Columns, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3, ref p4, ref q4, ref p5, ref q5);
            Step(a + 3 * Rows, b + 3 * Columns, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3, ref p4, ref q4, ref p5, ref q5);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
            Step(a, b, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3, ref p4, ref q4, ref p5, ref q5);
        if (into == Into.Add)
        {
            p0 += Vector256.Load(c); q0 += Vector256.Load(c + 8);
            p1 += Vector256.Load(c + stride); q1 += Vector256.Load(c + stride + 8);
            p2 += Vector256.Load(c + 2 * stride); q2 += Vector256.Load(c + 2 * stride + 8);
            p3 += Vector256.Load(c + 3 * stride); q3 += Vector256.Load(c + 3 * stride + 8);
            p4 += Vector256.Load(c + 4 * stride); q4 += Vector256.Load(c + 4 * stride + 8);
            p5 += Vector256.Load(c + 5 * stride); q5 += Vector256.Load(c + 5 * stride + 8);
        }
        p0.Store(c); q0.Store(c + 8);
        p1.Store(c + stride); q1.Store(c + stride + 8);
        p2.Store(c + 2 * stride); q2.Store(c + 2 * stride + 8);
        p3.Store(c + 3 * stride); q3.Store(c + 3 * stride + 8);
        p4.Store(c + 4 * stride); q4.Store(c + 4 * stride + 8);
        p5.Store(c + 5 * stride); q5.Store(c + 5 * stride + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector256<float> p0 = default, q0 = default, p1 = default, q1 = default, p2 = default, q2 = default, p3 = default, q3 = default;
        if (into == Into.Continue)
        {
            p0 = Vector256.Load(c); q0 = Vector256.Load(c + 8);
            p1 = Vector256.Load(c + stride); q1 = Vector256.Load(c + stride + 8);
            p2 = Vector256.Load(c + 2 * stride); q2 = Vector256.Load(c + 2 * stride + 8);
            p3 = Vector256.Load(c + 3 * stride); q3 = Vector256.Load(c + 3 * stride + 8);
        }
        for (; k >= Unrolled; k -= Unrolled, a += Unrolled * Rows, b += Unrolled * Columns)
        {
            Step(a, b, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3);
            Step(a + Rows, b + Columns, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3);
            Step(a + 2 * Rows, b + 2 * Columns, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3);
            Step(a + 3 * Rows, b + 3 * Columns, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
            Step(a, b, ref p0, ref q0, ref p1, ref q1, ref p2, ref q2, ref p3, ref q3);
        if (into == Into.Add)
        {
            p0 += Vector256.Load(c); q0 += Vector256.Load(c + 8);
            p1 += Vector256.Load(c + stride); q1 += Vector256.Load(c + stride + 8);
            p2 += Vector256.Load(c + 2 * stride); q2 += Vector256.Load(c + 2 * stride + 8);
            p3 += Vector256.Load(c + 3 * stride); q3 += Vector256.Load(c + 3 * stride + 8);
        }
        p0.Store(c); q0.Store(c + 8);
        p1.Store(c + stride); q1.Store(c + stride + 8);
        p2.Store(c + 2 * stride); q2.Store(c + 2 * stride + 8);
        p3.Store(c + 3 * stride); q3.Store(c + 3 * stride + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows2(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector256<float> p0 = default, q0 = default, p1 = default, q1 = default;
        if (into == Into.Continue)
        {
            p0 = Vector256.Load(c); q0 = Vector256.Load(c + 8);
            p1 = Vector256.Load(c + stride); q1 = Vector256.Load(c + stride + 8);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector256<float> left = Vector256.Load(b), right = Vector256.Load(b + 8), x;
            x = Vector256.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
            x = Vector256.Create(a[1]); p1 = Fused(x, left, p1); q1 = Fused(x, right, q1);
        }
        if (into == Into.Add)
        {
            p0 += Vector256.Load(c); q0 += Vector256.Load(c + 8);
            p1 += Vector256.Load(c + stride); q1 += Vector256.Load(c + stride + 8);
        }
        p0.Store(c); q0.Store(c + 8);
        p1.Store(c + stride); q1.Store(c + stride + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows1(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector256<float> p0 = default, q0 = default;
        if (into == Into.Continue)
        {
            p0 = Vector256.Load(c); q0 = Vector256.Load(c + 8);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector256<float> left = Vector256.Load(b), right = Vector256.Load(b + 8), x;
            x = Vector256.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
        }
        if (into == Into.Add)
        {
            p0 += Vector256.Load(c); q0 += Vector256.Load(c + 8);
        }
        p0.Store(c); q0.Store(c + 8);
    }
}
