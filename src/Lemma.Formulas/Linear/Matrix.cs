namespace Lemma.Formulas;

/// <summary>A matrix in memory: element (i, j) is at <c>Data[i·RowStride + j·ColumnStride]</c>, one of the strides being 1.</summary>
/// <param name="Data">The first element.</param>
/// <param name="RowStride">Elements from a row to the next.</param>
/// <param name="ColumnStride">Elements from a column to the next.</param>
public readonly unsafe record struct Matrix(nint Data, nint RowStride, nint ColumnStride)
{
    /// <summary>A row-major matrix.</summary>
    public static Matrix Rows(float* data, nint stride) => new((nint)data, stride, 1);

    /// <summary>The transpose: the same memory, rows and columns exchanged.</summary>
    public Matrix Transposed => new(Data, ColumnStride, RowStride);

    /// <summary>The part that begins at an element.</summary>
    public Matrix From(nint row, nint column) => this with { Data = (nint)At(row, column) };

    /// <summary>The address of element (i, j).</summary>
    public float* At(nint row, nint column) => (float*)Data + row * RowStride + column * ColumnStride;
}
