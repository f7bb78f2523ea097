namespace Lemma.Formulas;

/// <summary>A matrix in memory: element (i, j) is at <c>Data[i·RowStride + j·ColumnStride]</c>, one of the strides being 1.</summary>
/// <param name="Data">The first element.</param>
/// <param name="RowStride">Elements from a row to the next.</param>
/// <param name="ColumnStride">Elements from a column to the next.</param>
/// <param name="PanelStride">Elements from a panel of columns to the next, where it lies in a tile's panels (<see cref="WeightPanels"/>); else 0.</param>
/// <param name="Halves">The 16 bits that the numbers of panels have (<see cref="HalfPanels"/>); addresses are those of these then.</param>
internal readonly unsafe record struct Matrix(nint Data, nint RowStride, nint ColumnStride, nint PanelStride = 0, HalfKind Halves = HalfKind.None)
{
    /// <summary>A row-major matrix.</summary>
    public static Matrix Rows(float* data, nint stride) => new((nint)data, stride, 1);

    /// <summary>A matrix of <paramref name="k"/> rows whose columns lie in a tile's panels.</summary>
    public static Matrix Panels(float* data, int k) => new((nint)data, Tile.Columns, 1, (nint)k * Tile.Columns);

    /// <summary>The same of numbers of 16 bits.</summary>
    public static Matrix HalfPanels(ushort* data, int k, HalfKind kind) => new((nint)data, Tile.Columns, 1, (nint)k * Tile.Columns, kind);

    /// <summary>The transpose: the same memory, rows and columns exchanged. Panels have none.</summary>
    public Matrix Transposed => PanelStride == 0 ? new(Data, ColumnStride, RowStride)
        : throw new InvalidOperationException("matrix: what lies in panels cannot be read as its transpose");

    /// <summary>The part that begins at an element; of panels, at the first column of one.</summary>
    public Matrix From(nint row, nint column) => this with { Data = (nint)At(row, column) };

    /// <summary>The address of element (i, j).</summary>
    public float* At(nint row, nint column)
    {
        nint elements = row * RowStride + (PanelStride == 0 ? column * ColumnStride : column / Tile.Columns * PanelStride + column % Tile.Columns);
        return Halves == HalfKind.None ? (float*)Data + elements : (float*)((ushort*)Data + elements);
    }
}
