using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>The lines of B that are packed next, fetched into the second-level cache a share at a time while tiles are summed.</summary>
internal readonly unsafe struct NextPanel
{
    private const int LineElements = 16;
    private readonly float* first;
    private readonly nint stride;
    private readonly int lines, elements, share;

    private NextPanel(float* first, nint stride, int lines, int elements, int shares)
    {
        this.first = first;
        (this.stride, this.lines, this.elements) = (stride, lines, elements);
        share = (lines + shares - 1) / shares;
    }

    /// <summary>The panel after one: further along k, then the next columns; none after the last.</summary>
    /// <param name="b">[k, n].</param>
    /// <param name="n">Columns of B.</param>
    /// <param name="k">Rows of B.</param>
    /// <param name="column">The first column of the panel in use.</param>
    /// <param name="step">Its first row.</param>
    /// <param name="shares">In how many shares it is fetched.</param>
    public static NextPanel After(Matrix b, int n, int k, int column, int step, int shares)
    {
        step += Tile.Depth;
        if (step >= k)
            (step, column) = (0, column + Tile.Columns);
        if (!Sse.IsSupported || column >= n)
            return default;
        int columns = Math.Min(Tile.Columns, n - column), depth = Math.Min(Tile.Depth, k - step);
        Matrix next = b.From(step, column);
        // Halves lie in order, two in the place of a float.
        if (next.Halves != HalfKind.None)
            return new(next.At(0, 0), LineElements, depth * Tile.Columns / (2 * LineElements), LineElements, shares);
        return next.RowStride == 1 ? new(next.At(0, 0), next.ColumnStride, columns, depth, shares)
            : new(next.At(0, 0), next.RowStride, depth, columns, shares);
    }

    /// <summary>Asks for one share.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fetch(int index)
    {
        int last = Math.Min(lines, (index + 1) * share);
        for (int line = index * share; line < last; line++)
        {
            float* at = first + line * stride;
            for (int element = 0; element < elements; element += LineElements)
                Sse.Prefetch1(at + element);
        }
    }
}
