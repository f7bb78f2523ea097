using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lemma.Formulas;

/// <summary>C = A·B (+ bias), or C += A·B: A [m, k], B [k, n], C [m, n], each in rows or in columns.</summary>
/// <remarks>
/// Each element of C is a sum over blocks of 384 along k, each block one chain of fused products in the order of k. The order depends on k
/// alone, so a row has the same bits whatever the other rows, the vector's width or the split over threads. After Goto and van de Geijn
/// 2008, "Anatomy of high-performance matrix multiplication", with A's panel in the first-level cache and B's block in the second.
/// <code>
///            n →                    for each 384 along k:
///          ┌──┬──┬──┐                 pack B [384, 512] into panels of 32 columns
///     k ↓  │  B     │                 for each 12 rows: pack A [12, 384], then for each panel of B one tile of C
///          └──┴──┴──┘
///  ┌────┐  ┌──┬──┬──┐
///  │ A  │  │C │  │  │  12 × 32 a tile
/// </code>
/// </remarks>
public static unsafe class MatrixProduct
{
    private const int ColumnBlock = 512;

    // Elements of A that are packed at once, 8 MB: the third-level cache holds them for several threads.
    private const long MostPacked = 2L << 20;

    // With a few rows, each packed panel is used once and should still be in the first-level cache then.
    private const int FewRows = 4;

    [ThreadStatic]
    private static Workspace? workspace;

    /// <summary>Computes C for one block of rows and columns on the calling thread.</summary>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Columns of B and C.</param>
    /// <param name="k">Columns of A, rows of B.</param>
    /// <param name="a">[m, k].</param>
    /// <param name="b">[k, n].</param>
    /// <param name="c">[m, n], row-major with rows <paramref name="stride"/> apart.</param>
    /// <param name="stride">Elements from a row of C to the next.</param>
    /// <param name="add">Whether C is added to or overwritten.</param>
    /// <param name="bias">[n], added to every row, or null.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(int m, int n, int k, Matrix a, Matrix b, float* c, nint stride, bool add, float* bias = null)
    {
        Workspace space = workspace ??= new Workspace();
        Tile tile = Tile.Best;
        if (k == 0 && !add)
            Fill(m, n, c, stride);
        float* packed = n > ColumnBlock && m > FewRows && (long)m * k <= MostPacked ? PackAll(a, m, k) : null;
        int whole = (m + Tile.Rows - 1) / Tile.Rows * Tile.Rows;
        int block = m <= FewRows ? Tile.Columns : ColumnBlock;
        for (int column = 0; column < n; column += block)
        {
            int columns = Math.Min(block, n - column);
            for (int step = 0; step < k; step += Tile.Depth)
            {
                int depth = Math.Min(Tile.Depth, k - step);
                PackedProduct.Pack(b.From(step, column).Transposed, columns, depth, space.B, Tile.Columns);
                for (int row = 0; row < m; row += Tile.Rows)
                {
                    int rows = Math.Min(Tile.Rows, m - row);
                    float* panel = space.A;
                    if (packed != null)
                        panel = packed + (nint)step * whole + (nint)row * depth;
                    else
                        PackedProduct.Pack(a.From(row, step), rows, depth, panel, Tile.Rows);
                    PackedProduct.Multiply(tile, rows, columns, depth, panel, space.B, (nint)depth * Tile.Columns,
                        c + row * stride + column, stride, add || step > 0);
                }
            }
            if (bias != null)
                AddBias(m, columns, bias + column, c + column, stride);
        }
        if (k == 0 && bias != null && !add)
            AddBias(m, n, bias, c, stride);
    }

    // A that several blocks of columns share is packed once: for each 384 along k, panel after panel.
    private static float* PackAll(Matrix a, int m, int k)
    {
        int whole = (m + Tile.Rows - 1) / Tile.Rows * Tile.Rows;
        float* packed = ThreadScratch.Take((long)whole * k);
        for (int step = 0; step < k; step += Tile.Depth)
            PackedProduct.Pack(a.From(0, step), m, Math.Min(Tile.Depth, k - step), packed + (nint)step * whole, Tile.Rows);
        return packed;
    }

    private static void AddBias(int m, int n, float* bias, float* c, nint stride)
    {
        for (int row = 0; row < m; row++, c += stride)
        {
            Span<float> line = new(c, n);
            System.Numerics.Tensors.TensorPrimitives.Add(line, new ReadOnlySpan<float>(bias, n), line);
        }
    }

    private static void Fill(int m, int n, float* c, nint stride)
    {
        for (int row = 0; row < m; row++, c += stride)
            new Span<float>(c, n).Clear();
    }

    // One a thread, taken at the first product and kept: 18 KB and 768 KB.
    private sealed class Workspace
    {
        public readonly float* A = New(Tile.Rows * Tile.Depth), B = New(ColumnBlock * Tile.Depth);

        ~Workspace()
        {
            NativeMemory.AlignedFree(A);
            NativeMemory.AlignedFree(B);
        }

        private static float* New(int count) => (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), 64);
    }
}
