using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>The tile for 128-bit vectors: pieces of 4 × 8 with 8 accumulators of 16 registers.</summary>
/// <remarks>
/// The 12 × 32 tile is walked in pieces that fit the registers; the order of the sum in each element is that of the other tiles.
/// </remarks>
internal static unsafe class Tile128
{
    private const int Rows = Tile512.Rows, Columns = Tile512.Columns;

    /// <summary>C = A·B, or C += A·B, for the first <paramref name="rows"/> rows of a packed panel of A and one packed panel of B.</summary>
    public static void Multiply(int rows, int k, float* a, float* b, float* c, nint stride, Into into)
    {
        for (int row = 0; row < rows; row += 4)
        {
            for (int column = 0; column < Columns; column += 8)
            {
                if (rows == 1)
                    One(k, a, b + column, c + column, stride, into);
                else
                    Piece(k, a + row, b + column, c + row * stride + column, stride, into);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Fused(Vector128<float> x, Vector128<float> y, Vector128<float> sum) =>
        Vector128.FusedMultiplyAdd(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Piece(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector128<float> p0 = default, q0 = default, p1 = default, q1 = default, p2 = default, q2 = default, p3 = default, q3 = default;
        if (into == Into.Continue)
        {
            p0 = Vector128.Load(c); q0 = Vector128.Load(c + 4);
            p1 = Vector128.Load(c + stride); q1 = Vector128.Load(c + stride + 4);
            p2 = Vector128.Load(c + 2 * stride); q2 = Vector128.Load(c + 2 * stride + 4);
            p3 = Vector128.Load(c + 3 * stride); q3 = Vector128.Load(c + 3 * stride + 4);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector128<float> left = Vector128.Load(b), right = Vector128.Load(b + 4), x;
            x = Vector128.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
            x = Vector128.Create(a[1]); p1 = Fused(x, left, p1); q1 = Fused(x, right, q1);
            x = Vector128.Create(a[2]); p2 = Fused(x, left, p2); q2 = Fused(x, right, q2);
            x = Vector128.Create(a[3]); p3 = Fused(x, left, p3); q3 = Fused(x, right, q3);
        }
        if (into == Into.Add)
        {
            p0 += Vector128.Load(c); q0 += Vector128.Load(c + 4);
            p1 += Vector128.Load(c + stride); q1 += Vector128.Load(c + stride + 4);
            p2 += Vector128.Load(c + 2 * stride); q2 += Vector128.Load(c + 2 * stride + 4);
            p3 += Vector128.Load(c + 3 * stride); q3 += Vector128.Load(c + 3 * stride + 4);
        }
        p0.Store(c); q0.Store(c + 4);
        p1.Store(c + stride); q1.Store(c + stride + 4);
        p2.Store(c + 2 * stride); q2.Store(c + 2 * stride + 4);
        p3.Store(c + 3 * stride); q3.Store(c + 3 * stride + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(int k, float* a, float* b, float* c, nint stride, Into into)
    {
        Vector128<float> p0 = default, q0 = default;
        if (into == Into.Continue)
        {
            p0 = Vector128.Load(c); q0 = Vector128.Load(c + 4);
        }
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector128<float> left = Vector128.Load(b), right = Vector128.Load(b + 4), x;
            x = Vector128.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
        }
        if (into == Into.Add)
        {
            p0 += Vector128.Load(c); q0 += Vector128.Load(c + 4);
        }
        p0.Store(c); q0.Store(c + 4);
    }
}
