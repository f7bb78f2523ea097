using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>The tile for 256-bit vectors: pieces of 6 × 16 with 12 accumulators of 16 registers.</summary>
/// <remarks>
/// The 12 × 32 tile is walked in pieces that fit the registers; the order of the sum in each element is that of the other tiles.
/// </remarks>
internal static unsafe class Tile256
{
    private const int Rows = Tile.Rows, Columns = Tile.Columns;

    /// <summary>C = A·B or C += A·B for the first <paramref name="rows"/> rows of a packed panel of A and one packed panel of B.</summary>
    public static void Multiply(int rows, int k, float* a, float* b, float* c, nint stride, bool add)
    {
        for (int row = 0; row < rows; row += 6)
        {
            for (int column = 0; column < Columns; column += 16)
            {
                if (rows == 1)
                    One(k, a, b + column, c + column, stride, add);
                else
                    Piece(k, a + row, b + column, c + row * stride + column, stride, add);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fused(Vector256<float> x, Vector256<float> y, Vector256<float> sum) =>
        Vector256.FusedMultiplyAdd(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Piece(int k, float* a, float* b, float* c, nint stride, bool add)
    {
        Vector256<float> p0 = default, q0 = default, p1 = default, q1 = default, p2 = default, q2 = default, p3 = default, q3 = default,
            p4 = default, q4 = default, p5 = default, q5 = default;
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector256<float> left = Vector256.Load(b), right = Vector256.Load(b + 8), x;
            x = Vector256.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
            x = Vector256.Create(a[1]); p1 = Fused(x, left, p1); q1 = Fused(x, right, q1);
            x = Vector256.Create(a[2]); p2 = Fused(x, left, p2); q2 = Fused(x, right, q2);
            x = Vector256.Create(a[3]); p3 = Fused(x, left, p3); q3 = Fused(x, right, q3);
            x = Vector256.Create(a[4]); p4 = Fused(x, left, p4); q4 = Fused(x, right, q4);
            x = Vector256.Create(a[5]); p5 = Fused(x, left, p5); q5 = Fused(x, right, q5);
        }
        if (add)
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
    private static void One(int k, float* a, float* b, float* c, nint stride, bool add)
    {
        Vector256<float> p0 = default, q0 = default;
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            Vector256<float> left = Vector256.Load(b), right = Vector256.Load(b + 8), x;
            x = Vector256.Create(*a); p0 = Fused(x, left, p0); q0 = Fused(x, right, q0);
        }
        if (add)
        {
            p0 += Vector256.Load(c); q0 += Vector256.Load(c + 8);
        }
        p0.Store(c); q0.Store(c + 8);
    }
}
