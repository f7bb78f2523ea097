using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>C = A·B or C += A·B for operands that lie in packed panels already.</summary>
internal static unsafe class PackedProduct
{
    // Steps from which a product is large: C of a shorter one, attention's scores and sums, is in the first-level cache.
    private const int LongChain = 256;

    /// <summary>Elements that a matrix of lines takes in panels of a width.</summary>
    public static long Size(int lines, int k, int width) => (long)(lines + width - 1) / width * width * k;

    /// <summary>Packs all lines of an operand: rows of A or columns of B, with the width of the tile.</summary>
    /// <param name="lines">The operand with one line a row.</param>
    /// <param name="count">How many lines.</param>
    /// <param name="k">Elements of each line.</param>
    /// <param name="panels">[⌈count/width⌉][k][width].</param>
    /// <param name="width">Lines a panel.</param>
    public static void Pack(Matrix lines, int count, int k, float* panels, int width)
    {
        for (int first = 0; first < count; first += width, panels += (nint)k * width)
        {
            if (lines.ColumnStride == 1)
                Packing.Transpose(lines.At(first, 0), lines.RowStride, Math.Min(width, count - first), k, panels, width);
            else
                Packing.Copy(lines.At(first, 0), lines.ColumnStride, Math.Min(width, count - first), k, panels, width);
        }
    }

    /// <summary>Multiplies one panel of A (at most a tile's rows) by panels of B.</summary>
    /// <param name="tile">The code for this processor.</param>
    /// <param name="rows">Rows of A.</param>
    /// <param name="columns">Columns of B.</param>
    /// <param name="k">Steps.</param>
    /// <param name="a">The panel of A at its first step.</param>
    /// <param name="b">The first panel of B at its first step.</param>
    /// <param name="panelStride">Elements from one panel of B to the next.</param>
    /// <param name="c">The first element of C.</param>
    /// <param name="stride">Elements from a row of C to the next.</param>
    /// <param name="add">Whether C is added to or overwritten.</param>
    public static void Multiply(Tile tile, int rows, int columns, int k, float* a, float* b, nint panelStride, float* c, nint stride,
        bool add)
    {
        int column = 0;
        if (tile.IsExact(rows))
        {
            for (; column + Tile.Columns <= columns; column += Tile.Columns, b += panelStride)
            {
                if (k >= LongChain)
                    Fetch(rows, c + column, stride);
                tile.Multiply(rows, k, a, b, c + column, stride, add);
            }
        }
        if (column == columns)
            return;
        float* edge = stackalloc float[Tile.MostRows * Tile.MostColumns];
        for (; column < columns; column += Tile.Columns, b += panelStride)
        {
            tile.Multiply(rows, k, a, b, edge, Tile.Columns, add: false);
            Merge(rows, Math.Min(Tile.Columns, columns - column), edge, c + column, stride, add);
        }
    }

    // C arrives while the tile sums; without it, all its rows are waited for at the end.
    private static void Fetch(int rows, float* c, nint stride)
    {
        if (!Sse.IsSupported)
            return;
        for (int row = 0; row < rows; row++, c += stride)
        {
            Sse.Prefetch0(c);
            Sse.Prefetch0(c + Tile.Columns / 2);
            Sse.Prefetch0(c + Tile.Columns - 1);
        }
    }

    private static void Merge(int rows, int columns, float* edge, float* c, nint stride, bool add)
    {
        for (int row = 0; row < rows; row++, edge += Tile.Columns, c += stride)
        {
            Span<float> line = new(c, columns);
            ReadOnlySpan<float> sums = new(edge, columns);
            if (add)
                System.Numerics.Tensors.TensorPrimitives.Add(line, sums, line);
            else
                sums.CopyTo(line);
        }
    }
}
