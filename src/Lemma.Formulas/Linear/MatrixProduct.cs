using System.Runtime.CompilerServices;

namespace Lemma.Formulas;

/// <summary>C = A·B (+ bias), or C += A·B: A [m, k], B [k, n], C [m, n], each in rows or in columns.</summary>
/// <remarks>
/// Each element of C is a sum over blocks of 384 along k, each block one chain of fused products in the order of k. The order depends on k
/// alone, so a row has the same bits whatever the other rows, the vector's width or the split over threads. Gradients of weights, sums over
/// rows, are one chain along k instead, which the next rows continue: their bits do not depend on how rows are split into passes. After Goto and van de Geijn
/// 2008, "Anatomy of high-performance matrix multiplication", with one operand's panel in the first-level cache and B's block in the second.
/// <code>
///            n →                    for each 1536 rows and 1536 steps along k (evened out): pack A, once for all columns
///          ┌──┬──┬──┐               for each 512 columns, for each 384 along k: pack B [384, 512] into panels of 32 columns
///     k ↓  │  B     │                 for each 12 rows: for each panel of B one tile of C, 12 × 32
///          └──┴──┴──┘
///  ┌────┐  ┌──┬──┬──┐               with 256-bit vectors, where tiles are 6 × 16 and blocks of B 256 wide:
///  │ A  │  │C │  │  │                 for each 144 rows: for each panel of B, for each 6 rows one tile of C
///  └────┘  └──┴──┴──┘
/// </code>
/// With some rows (up to 24 beside 512-bit vectors, 144 beside 256-bit ones) all of A is packed, and each panel of B meets it at once.
/// What lies in panels already (<see cref="WeightPanels"/>) is read as it lies. At most 16 columns beside 512-bit vectors are <see cref="ThinProduct"/>'s.
/// </remarks>
public static unsafe class MatrixProduct
{
    // A block of B lies in the second-level cache: 768 KB beside 512-bit vectors, 384 KB beside the 512 KB of older processors.
    private static int ColumnBlock => Tile.Columns == Tile256.Columns ? 256 : 512;

    // Rows that a panel of B meets while it is in the first-level cache. There the narrow one fits, 24 KB, and panels of A pass by;
    // with the wide one a panel of A stays, and panels of B pass by.
    private static int RowGroup => Tile.Columns == Tile256.Columns ? 24 * Tile256.Rows : Tile512.Rows;

    // A block of A that all columns share is packed once, 9 MB: the third-level cache holds it for several threads.
    private const int RowBlock = 128 * Tile512.Rows, DeepBlock = 4 * Tile.Depth;

    // Rows up to which A's panels and two panels of B fit the second-level cache.
    private static int SomeRows => Tile.Columns == Tile256.Columns ? 24 * Tile256.Rows : 2 * Tile512.Rows;

    private static int MostPackedRows => Math.Max(RowGroup, SomeRows);

    // Rows up to which A is packed anew for every panel.
    private const int FewRows = 4;

    // A group of panels of A, then a block of B: less than a megabyte a thread, taken at the first product and kept.
    [ThreadStatic]
    private static ThreadBlock? workspace;

    /// <summary>The innermost step in use on this processor, in words: rows x columns, and the vectors.</summary>
    public static string Instructions => Tile.Description;

    /// <summary>What products with quantized weights multiply whole numbers with on this processor, in words; others for 8 bits where that is slower.</summary>
    public static string QuantizedInstructions => QuantizedTile.Instructions(255) is var wide && QuantizedTile.Instructions(0) is var narrow && wide == narrow
        ? narrow : $"{narrow}; 8 bits {wide}";

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
    /// <param name="inOneChain">Whether each element is one chain along k, which goes on from what is added to: sums over more and more rows.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Multiply(int m, int n, int k, Matrix a, Matrix b, float* c, nint stride, bool add, float* bias = null,
        bool inOneChain = false)
    {
        if (k == 0)
        {
            if (!add)
                Fill(m, n, c, stride);
            if (bias != null)
                AddBias(m, n, bias, c, stride);
            return;
        }
        if (m == 1 && a.ColumnStride == 1 && !inOneChain && MultiplyRow(n, k, a.At(0, 0), b, c, add) is > 0 and var whole)
        {
            if (bias != null)
                AddBias(1, whole, bias, c, stride);
            if (whole == n)
                return;
            n -= whole;
            b = b.From(0, whole);
            c += whole;
            bias = bias == null ? null : bias + whole;
        }
        Into more = inOneChain ? Into.Continue : Into.Add, once = add ? more : Into.Replace;
        if (bias == null && b.PanelStride == 0 && ThinProduct.IsFor(m, n))
        {
            ThinProduct.Multiply(m, n, k, a, b, c, stride, 1, once, more);
            return;
        }
        // The gradient of a thin A: Cᵀ = Bᵀ·Aᵀ.
        if (inOneChain && bias == null && b.PanelStride == 0 && ThinProduct.IsFor(n, m))
        {
            ThinProduct.Multiply(n, m, k, b.Transposed, a.Transposed, c, 1, stride, once, more);
            return;
        }
        int height = Even(m, RowBlock, Tile.Rows), deep = Even(k, DeepBlock, Tile.Depth);
        for (int row = 0; row < m; row += height)
        {
            for (int step = 0; step < k; step += deep)
            {
                int depth = Math.Min(deep, k - step);
                MultiplyBlock(Math.Min(height, m - row), n, depth, a.From(row, step), b.From(step, 0), c + row * stride, stride,
                    step > 0 ? more : once, more, step + depth == k ? bias : null);
            }
        }
    }

    // One row without packing: how many of the first columns are done.
    private static int MultiplyRow(int n, int k, float* x, Matrix b, float* c, bool add)
    {
        if (b.PanelStride != 0)
        {
            int inPanels = n / Tile.Columns * Tile.Columns;
            PanelRowProduct.Multiply(inPanels, k, x, b, c, add);
            return inPanels;
        }
        if (b.RowStride != 1 || n < RowProduct.Together || !RowProduct.IsSupported)
            return 0;
        int inRows = n / RowProduct.Together * RowProduct.Together;
        RowProduct.Multiply(inRows, k, x, b.At(0, 0), b.ColumnStride, c, add);
        return inRows;
    }

    // The length of blocks of whole units, as few and as even as a limit allows.
    private static int Even(int size, int limit, int unit)
    {
        int blocks = Math.Max(1, (size + limit - 1) / limit), each = (size + blocks - 1) / blocks;
        return (each + unit - 1) / unit * unit;
    }

    // Rows and steps of which A is packed at most once.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyBlock(int m, int n, int k, Matrix a, Matrix b, float* c, nint stride, Into first, Into more, float* bias)
    {
        float* groupA = (workspace ??= new ThreadBlock()).AtLeast((long)(MostPackedRows + ColumnBlock) * Tile.Depth);
        float* blockB = groupA + MostPackedRows * Tile.Depth;
        Tile tile = Tile.Best;
        int whole = (m + Tile.Rows - 1) / Tile.Rows * Tile.Rows;
        if (m <= SomeRows)
        {
            MultiplyByPanels(tile, m, n, k, a, b, c, stride, first, more, bias, groupA, blockB);
            return;
        }
        float* packed = n > ColumnBlock ? PackAll(a, m, k) : null;
        for (int column = 0; column < n; column += ColumnBlock)
        {
            int columns = Math.Min(ColumnBlock, n - column);
            for (int step = 0; step < k; step += Tile.Depth)
            {
                int depth = Math.Min(Tile.Depth, k - step);
                float* blockOfB = PanelsOf(b.From(step, column), columns, depth, blockB, out nint panelStride);
                for (int row = 0; row < m; row += RowGroup)
                {
                    int rows = Math.Min(RowGroup, m - row);
                    float* panels = packed + (nint)step * whole + (nint)row * depth;
                    if (packed == null)
                        PackedProduct.Pack(a.From(row, step), rows, depth, panels = groupA, Tile.Rows);
                    MultiplyPanels(tile, rows, columns, depth, panels, blockOfB, panelStride, c + row * stride + column, stride, step > 0 ? more : first);
                    if (bias != null && step + depth == k)
                        AddBias(rows, columns, bias + column, c + row * stride + column, stride);
                }
            }
        }
    }

    // With some rows, a panel of B is packed when it is needed and meets all of them at once; the next one arrives meanwhile, since
    // turning a panel that must first come from memory would take as long as multiplying it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyByPanels(Tile tile, int m, int n, int k, Matrix a, Matrix b, float* c, nint stride, Into first, Into more, float* bias,
        float* groupA, float* own)
    {
        int whole = (m + Tile.Rows - 1) / Tile.Rows * Tile.Rows, tiles = whole / Tile.Rows;
        float* packed = n > Tile.Columns && m > FewRows ? PackAll(a, m, k) : null;
        for (int column = 0; column < n; column += Tile.Columns)
        {
            int columns = Math.Min(Tile.Columns, n - column);
            for (int step = 0; step < k; step += Tile.Depth)
            {
                int depth = Math.Min(Tile.Depth, k - step);
                float* panel = PanelsOf(b.From(step, column), columns, depth, own, out nint panelStride);
                NextPanel next = NextPanel.After(b, n, k, column, step, tiles);
                float* panels = packed + (nint)step * whole;
                if (packed == null)
                    PackedProduct.Pack(a.From(0, step), m, depth, panels = groupA, Tile.Rows);
                for (int row = 0; row < m; row += Tile.Rows)
                {
                    next.Fetch(row / Tile.Rows);
                    PackedProduct.Multiply(tile, Math.Min(Tile.Rows, m - row), columns, depth, panels + (nint)row * depth, panel,
                        panelStride, c + row * stride + column, stride, step > 0 ? more : first);
                }
            }
            if (bias != null)
                AddBias(m, columns, bias + column, c + column, stride);
        }
    }

    // The panels of a part of B: where they lie already, or packed into a block.
    private static float* PanelsOf(Matrix b, int columns, int depth, float* block, out nint panelStride)
    {
        panelStride = b.PanelStride;
        if (b.Halves != HalfKind.None)
        {
            nint elements = (nint)depth * Tile.Columns;
            for (int column = 0, panel = 0; column < columns; column += Tile.Columns, panel++)
                HalfPanels.Widen(b.Halves, (ushort*)b.At(0, column), elements, block + panel * elements);
            panelStride = elements;
            return block;
        }
        if (panelStride != 0)
            return b.At(0, 0);
        PackedProduct.Pack(b.Transposed, columns, depth, block, Tile.Columns);
        panelStride = (nint)depth * Tile.Columns;
        return block;
    }

    private static void MultiplyPanels(Tile tile, int m, int n, int k, float* a, float* b, nint panelStride, float* c, nint stride, Into into)
    {
        int together = m <= Tile.Rows ? n : Tile.Columns;
        for (int column = 0; column < n; column += together)
        {
            for (int row = 0; row < m; row += Tile.Rows)
            {
                PackedProduct.Multiply(tile, Math.Min(Tile.Rows, m - row), Math.Min(together, n - column), k, a + (nint)row * k,
                    b + column / Tile.Columns * panelStride, panelStride, c + row * stride + column, stride, into);
            }
        }
    }

    // For each 384 along k, panel after panel.
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
}
