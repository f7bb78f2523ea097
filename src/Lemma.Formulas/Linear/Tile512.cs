using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>The 12 × 32 register tile for 512-bit vectors: 24 accumulators, two vectors of B and one broadcast of A a step.</summary>
/// <remarks>Every element is one chain of fused products in the order of k, so all tiles and all row counts give the same bits.</remarks>
internal static unsafe class Tile512
{
    /// <summary>The tile's sizes.</summary>
    public const int Rows = 12, Columns = 32;

    /// <summary>C = A·B, or C += A·B, for the first <paramref name="rows"/> rows of a packed panel of A and one packed panel of B.</summary>
    public static void Multiply(int rows, int k, float* a, float* b, float* c, nint stride, Into into)
    {
        switch (rows)
        {
            case > 8: Rows12(k, a, b, c, stride, into); break;
            case > 4: Rows8(k, a, b, c, stride, into); break;
            case > 2: Rows4(k, a, b, c, stride, into); break;
            case 2: Rows2(k, a, b, c, stride, into); break;
            default: Rows1(k, a, b, c, stride, into); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fused(Vector512<float> x, Vector512<float> y, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows12(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector512<float> p0 = default, q0 = default, p1 = default, q1 = default, p2 = default, q2 = default, p3 = default, q3 = default,
            p4 = default, q4 = default, p5 = default, q5 = default, p6 = default, q6 = default, p7 = default, q7 = default,
            p8 = default, q8 = default, p9 = default, q9 = default, p10 = default, q10 = default, p11 = default, q11 = default;
        if (into == Into.Continue)
        {
            p0 = Vector512.Load(c); q0 = Vector512.Load(c + 16);
            p1 = Vector512.Load(c + stride); q1 = Vector512.Load(c + stride + 16);
            p2 = Vector512.Load(c + 2 * stride); q2 = Vector512.Load(c + 2 * stride + 16);
            p3 = Vector512.Load(c + 3 * stride); q3 = Vector512.Load(c + 3 * stride + 16);
            p4 = Vector512.Load(c + 4 * stride); q4 = Vector512.Load(c + 4 * stride + 16);
            p5 = Vector512.Load(c + 5 * stride); q5 = Vector512.Load(c + 5 * stride + 16);
            p6 = Vector512.Load(c + 6 * stride); q6 = Vector512.Load(c + 6 * stride + 16);
            p7 = Vector512.Load(c + 7 * stride); q7 = Vector512.Load(c + 7 * stride + 16);
            p8 = Vector512.Load(c + 8 * stride); q8 = Vector512.Load(c + 8 * stride + 16);
            p9 = Vector512.Load(c + 9 * stride); q9 = Vector512.Load(c + 9 * stride + 16);
            p10 = Vector512.Load(c + 10 * stride); q10 = Vector512.Load(c + 10 * stride + 16);
            p11 = Vector512.Load(c + 11 * stride); q11 = Vector512.Load(c + 11 * stride + 16);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector512<float> left = Vector512.Load(b), right = Vector512.Load(b + 16), x;
            x = Vector512.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
            x = Vector512.Create(a[1]); p1 = Fused(x, left, p1); q1 = Fused(x, right, q1);
            x = Vector512.Create(a[2]); p2 = Fused(x, left, p2); q2 = Fused(x, right, q2);
            x = Vector512.Create(a[3]); p3 = Fused(x, left, p3); q3 = Fused(x, right, q3);
            x = Vector512.Create(a[4]); p4 = Fused(x, left, p4); q4 = Fused(x, right, q4);
            x = Vector512.Create(a[5]); p5 = Fused(x, left, p5); q5 = Fused(x, right, q5);
            x = Vector512.Create(a[6]); p6 = Fused(x, left, p6); q6 = Fused(x, right, q6);
            x = Vector512.Create(a[7]); p7 = Fused(x, left, p7); q7 = Fused(x, right, q7);
            x = Vector512.Create(a[8]); p8 = Fused(x, left, p8); q8 = Fused(x, right, q8);
            x = Vector512.Create(a[9]); p9 = Fused(x, left, p9); q9 = Fused(x, right, q9);
            x = Vector512.Create(a[10]); p10 = Fused(x, left, p10); q10 = Fused(x, right, q10);
            x = Vector512.Create(a[11]); p11 = Fused(x, left, p11); q11 = Fused(x, right, q11);
        }
        if (into == Into.Add)
        {
            p0 += Vector512.Load(c); q0 += Vector512.Load(c + 16);
            p1 += Vector512.Load(c + stride); q1 += Vector512.Load(c + stride + 16);
            p2 += Vector512.Load(c + 2 * stride); q2 += Vector512.Load(c + 2 * stride + 16);
            p3 += Vector512.Load(c + 3 * stride); q3 += Vector512.Load(c + 3 * stride + 16);
            p4 += Vector512.Load(c + 4 * stride); q4 += Vector512.Load(c + 4 * stride + 16);
            p5 += Vector512.Load(c + 5 * stride); q5 += Vector512.Load(c + 5 * stride + 16);
            p6 += Vector512.Load(c + 6 * stride); q6 += Vector512.Load(c + 6 * stride + 16);
            p7 += Vector512.Load(c + 7 * stride); q7 += Vector512.Load(c + 7 * stride + 16);
            p8 += Vector512.Load(c + 8 * stride); q8 += Vector512.Load(c + 8 * stride + 16);
            p9 += Vector512.Load(c + 9 * stride); q9 += Vector512.Load(c + 9 * stride + 16);
            p10 += Vector512.Load(c + 10 * stride); q10 += Vector512.Load(c + 10 * stride + 16);
            p11 += Vector512.Load(c + 11 * stride); q11 += Vector512.Load(c + 11 * stride + 16);
        }
        p0.Store(c); q0.Store(c + 16);
        p1.Store(c + stride); q1.Store(c + stride + 16);
        p2.Store(c + 2 * stride); q2.Store(c + 2 * stride + 16);
        p3.Store(c + 3 * stride); q3.Store(c + 3 * stride + 16);
        p4.Store(c + 4 * stride); q4.Store(c + 4 * stride + 16);
        p5.Store(c + 5 * stride); q5.Store(c + 5 * stride + 16);
        p6.Store(c + 6 * stride); q6.Store(c + 6 * stride + 16);
        p7.Store(c + 7 * stride); q7.Store(c + 7 * stride + 16);
        p8.Store(c + 8 * stride); q8.Store(c + 8 * stride + 16);
        p9.Store(c + 9 * stride); q9.Store(c + 9 * stride + 16);
        p10.Store(c + 10 * stride); q10.Store(c + 10 * stride + 16);
        p11.Store(c + 11 * stride); q11.Store(c + 11 * stride + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows8(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector512<float> p0 = default, q0 = default, p1 = default, q1 = default, p2 = default, q2 = default, p3 = default, q3 = default,
            p4 = default, q4 = default, p5 = default, q5 = default, p6 = default, q6 = default, p7 = default, q7 = default;
        if (into == Into.Continue)
        {
            p0 = Vector512.Load(c); q0 = Vector512.Load(c + 16);
            p1 = Vector512.Load(c + stride); q1 = Vector512.Load(c + stride + 16);
            p2 = Vector512.Load(c + 2 * stride); q2 = Vector512.Load(c + 2 * stride + 16);
            p3 = Vector512.Load(c + 3 * stride); q3 = Vector512.Load(c + 3 * stride + 16);
            p4 = Vector512.Load(c + 4 * stride); q4 = Vector512.Load(c + 4 * stride + 16);
            p5 = Vector512.Load(c + 5 * stride); q5 = Vector512.Load(c + 5 * stride + 16);
            p6 = Vector512.Load(c + 6 * stride); q6 = Vector512.Load(c + 6 * stride + 16);
            p7 = Vector512.Load(c + 7 * stride); q7 = Vector512.Load(c + 7 * stride + 16);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector512<float> left = Vector512.Load(b), right = Vector512.Load(b + 16), x;
            x = Vector512.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
            x = Vector512.Create(a[1]); p1 = Fused(x, left, p1); q1 = Fused(x, right, q1);
            x = Vector512.Create(a[2]); p2 = Fused(x, left, p2); q2 = Fused(x, right, q2);
            x = Vector512.Create(a[3]); p3 = Fused(x, left, p3); q3 = Fused(x, right, q3);
            x = Vector512.Create(a[4]); p4 = Fused(x, left, p4); q4 = Fused(x, right, q4);
            x = Vector512.Create(a[5]); p5 = Fused(x, left, p5); q5 = Fused(x, right, q5);
            x = Vector512.Create(a[6]); p6 = Fused(x, left, p6); q6 = Fused(x, right, q6);
            x = Vector512.Create(a[7]); p7 = Fused(x, left, p7); q7 = Fused(x, right, q7);
        }
        if (into == Into.Add)
        {
            p0 += Vector512.Load(c); q0 += Vector512.Load(c + 16);
            p1 += Vector512.Load(c + stride); q1 += Vector512.Load(c + stride + 16);
            p2 += Vector512.Load(c + 2 * stride); q2 += Vector512.Load(c + 2 * stride + 16);
            p3 += Vector512.Load(c + 3 * stride); q3 += Vector512.Load(c + 3 * stride + 16);
            p4 += Vector512.Load(c + 4 * stride); q4 += Vector512.Load(c + 4 * stride + 16);
            p5 += Vector512.Load(c + 5 * stride); q5 += Vector512.Load(c + 5 * stride + 16);
            p6 += Vector512.Load(c + 6 * stride); q6 += Vector512.Load(c + 6 * stride + 16);
            p7 += Vector512.Load(c + 7 * stride); q7 += Vector512.Load(c + 7 * stride + 16);
        }
        p0.Store(c); q0.Store(c + 16);
        p1.Store(c + stride); q1.Store(c + stride + 16);
        p2.Store(c + 2 * stride); q2.Store(c + 2 * stride + 16);
        p3.Store(c + 3 * stride); q3.Store(c + 3 * stride + 16);
        p4.Store(c + 4 * stride); q4.Store(c + 4 * stride + 16);
        p5.Store(c + 5 * stride); q5.Store(c + 5 * stride + 16);
        p6.Store(c + 6 * stride); q6.Store(c + 6 * stride + 16);
        p7.Store(c + 7 * stride); q7.Store(c + 7 * stride + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector512<float> p0 = default, q0 = default, p1 = default, q1 = default, p2 = default, q2 = default, p3 = default, q3 = default;
        if (into == Into.Continue)
        {
            p0 = Vector512.Load(c); q0 = Vector512.Load(c + 16);
            p1 = Vector512.Load(c + stride); q1 = Vector512.Load(c + stride + 16);
            p2 = Vector512.Load(c + 2 * stride); q2 = Vector512.Load(c + 2 * stride + 16);
            p3 = Vector512.Load(c + 3 * stride); q3 = Vector512.Load(c + 3 * stride + 16);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector512<float> left = Vector512.Load(b), right = Vector512.Load(b + 16), x;
            x = Vector512.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
            x = Vector512.Create(a[1]); p1 = Fused(x, left, p1); q1 = Fused(x, right, q1);
            x = Vector512.Create(a[2]); p2 = Fused(x, left, p2); q2 = Fused(x, right, q2);
            x = Vector512.Create(a[3]); p3 = Fused(x, left, p3); q3 = Fused(x, right, q3);
        }
        if (into == Into.Add)
        {
            p0 += Vector512.Load(c); q0 += Vector512.Load(c + 16);
            p1 += Vector512.Load(c + stride); q1 += Vector512.Load(c + stride + 16);
            p2 += Vector512.Load(c + 2 * stride); q2 += Vector512.Load(c + 2 * stride + 16);
            p3 += Vector512.Load(c + 3 * stride); q3 += Vector512.Load(c + 3 * stride + 16);
        }
        p0.Store(c); q0.Store(c + 16);
        p1.Store(c + stride); q1.Store(c + stride + 16);
        p2.Store(c + 2 * stride); q2.Store(c + 2 * stride + 16);
        p3.Store(c + 3 * stride); q3.Store(c + 3 * stride + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows2(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector512<float> p0 = default, q0 = default, p1 = default, q1 = default;
        if (into == Into.Continue)
        {
            p0 = Vector512.Load(c); q0 = Vector512.Load(c + 16);
            p1 = Vector512.Load(c + stride); q1 = Vector512.Load(c + stride + 16);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector512<float> left = Vector512.Load(b), right = Vector512.Load(b + 16), x;
            x = Vector512.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
            x = Vector512.Create(a[1]); p1 = Fused(x, left, p1); q1 = Fused(x, right, q1);
        }
        if (into == Into.Add)
        {
            p0 += Vector512.Load(c); q0 += Vector512.Load(c + 16);
            p1 += Vector512.Load(c + stride); q1 += Vector512.Load(c + stride + 16);
        }
        p0.Store(c); q0.Store(c + 16);
        p1.Store(c + stride); q1.Store(c + stride + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows1(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector512<float> p0 = default, q0 = default;
        if (into == Into.Continue)
        {
            p0 = Vector512.Load(c); q0 = Vector512.Load(c + 16);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector512<float> left = Vector512.Load(b), right = Vector512.Load(b + 16), x;
            x = Vector512.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
        }
        if (into == Into.Add)
        {
            p0 += Vector512.Load(c); q0 += Vector512.Load(c + 16);
        }
        p0.Store(c); q0.Store(c + 16);
    }
}
