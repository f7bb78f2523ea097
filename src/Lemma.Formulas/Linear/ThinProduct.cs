using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>C = A·B, or C += A·B, of a B of at most 16 columns, which would fill half of the tile of 512-bit vectors: A is read where it lies.</summary>
/// <remarks>
/// To pack A would take as long as the product. So the innermost step broadcasts from 8 rows of A at their own strides:
/// <code>
///            16 columns                 A in rows:     8 addresses, each walks along its row
///          ┌────┐                       A in columns:  one line of the cache holds the 8 numbers of a step
///     k ↓  │ B  │ packed, 24 KB
///          └────┘
///  ┌────┐  ┌────┐
///  │ A  │  │ C  │ 8 × 16 a step
///  └────┘  └────┘
/// </code>
/// Chains and blocks along k are those of <see cref="MatrixProduct"/>, and so are the bits.
/// </remarks>
internal static unsafe class ThinProduct
{
    /// <summary>The most columns of B.</summary>
    public const int Columns = 16;

    // Of an A in columns a step is a line of the cache far from the last one; so many stay in the second-level cache for the next rows,
    // even where all of them are kept in a few of its sets.
    private const int Rows = 8, FarSteps = 128;

    /// <summary>Whether a product of these sizes is one: with 256-bit vectors 16 columns fill a tile.</summary>
    public static bool IsFor(int m, int n) => Avx512F.IsSupported && n <= Columns && m >= Rows;

    /// <summary>Computes C; its element (i, j) is at <c>c[i·rowStride + j·columnStride]</c>.</summary>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Columns of B and C.</param>
    /// <param name="k">Columns of A, rows of B.</param>
    /// <param name="a">[m, k].</param>
    /// <param name="b">[k, n].</param>
    /// <param name="c">[m, n].</param>
    /// <param name="rowStride">Elements from a row of C to the next.</param>
    /// <param name="columnStride">Elements from a column of C to the next.</param>
    /// <param name="first">What the first block along k does with what stands in C.</param>
    /// <param name="more">What further blocks do.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(int m, int n, int k, Matrix a, Matrix b, float* c, nint rowStride, nint columnStride, Into first, Into more)
    {
        float* space = stackalloc float[Tile.Depth * Columns + Columns], edge = stackalloc float[Rows * Columns];
        float* panel = (float*)((nint)(space + Columns - 1) & -(Columns * sizeof(float)));
        int deepest = a.ColumnStride == 1 || more != Into.Continue ? Tile.Depth : FarSteps;
        for (int step = 0; step < k; step += deepest, first = more)
        {
            int depth = Math.Min(deepest, k - step);
            PackedProduct.Pack(b.From(step, 0).Transposed, n, depth, panel, Columns);
            for (int row = 0; row < m; row += Rows)
            {
                int rows = Math.Min(Rows, m - row);
                float* from = a.At(row, step), to = c + row * rowStride;
                if (rows == Rows && n == Columns && columnStride == 1)
                {
                    Rows8(depth, from, a.RowStride, a.ColumnStride, panel, to, rowStride, first);
                    continue;
                }
                if (first == Into.Continue)
                    Read(rows, n, to, rowStride, columnStride, edge);
                Into into = first == Into.Continue ? first : Into.Replace;
                if (rows == Rows)
                    Rows8(depth, from, a.RowStride, a.ColumnStride, panel, edge, Columns, into);
                else
                    for (int i = 0; i < rows; i++)
                        Row(depth, from + i * a.RowStride, a.ColumnStride, panel, edge + i * Columns, into);
                Write(rows, n, edge, to, rowStride, columnStride, first == Into.Add);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows8(int k, float* a, nint row, nint step, float* b, float* c, nint stride, Into into)
    {
        Vector512<float> p0 = default, p1 = default, p2 = default, p3 = default, p4 = default, p5 = default, p6 = default, p7 = default;
        if (into == Into.Continue)
        {
            p0 = Vector512.Load(c);
            p1 = Vector512.Load(c + stride);
            p2 = Vector512.Load(c + 2 * stride);
            p3 = Vector512.Load(c + 3 * stride);
            p4 = Vector512.Load(c + 4 * stride);
            p5 = Vector512.Load(c + 5 * stride);
            p6 = Vector512.Load(c + 6 * stride);
            p7 = Vector512.Load(c + 7 * stride);
        }
        // Four rows from each of two addresses, so that all addresses stay in registers.
        nint second = 2 * row, third = 3 * row;
        float* d = a + 4 * row;
        for (; k > 0; k--, a += step, d += step, b += Columns)
        {
            Vector512<float> x = Vector512.Load(b);
            p0 = Vector512.FusedMultiplyAdd(Vector512.Create(*a), x, p0);
            p1 = Vector512.FusedMultiplyAdd(Vector512.Create(a[row]), x, p1);
            p2 = Vector512.FusedMultiplyAdd(Vector512.Create(a[second]), x, p2);
            p3 = Vector512.FusedMultiplyAdd(Vector512.Create(a[third]), x, p3);
            p4 = Vector512.FusedMultiplyAdd(Vector512.Create(*d), x, p4);
            p5 = Vector512.FusedMultiplyAdd(Vector512.Create(d[row]), x, p5);
            p6 = Vector512.FusedMultiplyAdd(Vector512.Create(d[second]), x, p6);
            p7 = Vector512.FusedMultiplyAdd(Vector512.Create(d[third]), x, p7);
        }
        if (into == Into.Add)
        {
            p0 += Vector512.Load(c);
            p1 += Vector512.Load(c + stride);
            p2 += Vector512.Load(c + 2 * stride);
            p3 += Vector512.Load(c + 3 * stride);
            p4 += Vector512.Load(c + 4 * stride);
            p5 += Vector512.Load(c + 5 * stride);
            p6 += Vector512.Load(c + 6 * stride);
            p7 += Vector512.Load(c + 7 * stride);
        }
        p0.Store(c);
        p1.Store(c + stride);
        p2.Store(c + 2 * stride);
        p3.Store(c + 3 * stride);
        p4.Store(c + 4 * stride);
        p5.Store(c + 5 * stride);
        p6.Store(c + 6 * stride);
        p7.Store(c + 7 * stride);
    }

    private static void Row(int k, float* a, nint step, float* b, float* c, Into into)
    {
        Vector512<float> sum = into == Into.Continue ? Vector512.Load(c) : default;
        for (; k > 0; k--, a += step, b += Columns)
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(*a), Vector512.Load(b), sum);
        sum.Store(c);
    }

    private static void Read(int rows, int columns, float* c, nint rowStride, nint columnStride, float* edge)
    {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                edge[i * Columns + j] = c[i * rowStride + j * columnStride];
    }

    private static void Write(int rows, int columns, float* edge, float* c, nint rowStride, nint columnStride, bool add)
    {
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                float* to = c + i * rowStride + j * columnStride;
                *to = add ? edge[i * Columns + j] + *to : edge[i * Columns + j];
            }
        }
    }
}
