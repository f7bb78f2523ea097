using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>C = A·B, or C += A·B, for operands that lie in packed panels already.</summary>
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
    /// <param name="into">What becomes of what stands in C.</param>
    public static void Multiply(Tile tile, int rows, int columns, int k, float* a, float* b, nint panelStride, float* c, nint stride,
        Into into)
    {
        int column = 0;
        if (tile.IsExact(rows))
        {
            for (; column + Tile.Columns <= columns; column += Tile.Columns, b += panelStride)
            {
                if (k >= LongChain)
                    Fetch(rows, c + column, stride);
                tile.Multiply(rows, k, a, b, c + column, stride, into);
            }
        }
        if (column == columns)
            return;
        float* edge = stackalloc float[Tile.MostRows * Tile.MostColumns];
        for (; column < columns; column += Tile.Columns, b += panelStride)
        {
            int count = Math.Min(Tile.Columns, columns - column);
            if (into == Into.Continue)
                Copy(rows, count, c + column, stride, edge, Tile.Columns);
            tile.Multiply(rows, k, a, b, edge, Tile.Columns, into == Into.Continue ? into : Into.Replace);
            if (into == Into.Add)
                Add(rows, count, edge, c + column, stride);
            else
                Copy(rows, count, edge, Tile.Columns, c + column, stride);
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

    private static void Add(int rows, int columns, float* edge, float* c, nint stride)
    {
        for (int row = 0; row < rows; row++, edge += Tile.Columns, c += stride)
        {
            Span<float> line = new(c, columns);
            System.Numerics.Tensors.TensorPrimitives.Add(line, new ReadOnlySpan<float>(edge, columns), line);
        }
    }

    private static void Copy(int rows, int columns, float* from, nint fromStride, float* to, nint toStride)
    {
        for (int row = 0; row < rows; row++, from += fromStride, to += toStride)
            new ReadOnlySpan<float>(from, columns).CopyTo(new Span<float>(to, columns));
    }
}
