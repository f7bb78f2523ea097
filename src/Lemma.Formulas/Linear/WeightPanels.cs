namespace Lemma.Formulas;

/// <summary>A weight [n, k] in the panels that a <see cref="Tile"/> reads, made once in the place of its rows: products pack nothing then.</summary>
/// <remarks>
/// A panel takes the memory of its rows, so nothing moves beyond it. Rows after the last whole panel stay as they are.
/// <code>
///   rows:   w₀₀ w₀₁ … w₀ₖ | w₁₀ w₁₁ … | …          panel:   w₀₀ w₁₀ … w₁₅,₀ | w₀₁ w₁₁ … w₁₅,₁ | …
/// </code>
/// </remarks>
internal static unsafe class WeightPanels
{
    /// <summary>How many of the first rows of a weight lie in panels.</summary>
    public static int RowsIn(int n) => n / Tile.Columns * Tile.Columns;

    /// <summary>How many panels those rows make.</summary>
    public static int Count(int n) => n / Tile.Columns;

    /// <summary>Turns the rows of one panel.</summary>
    public static void Arrange(float* weight, int k, int panel)
    {
        float* place = weight + (nint)panel * Tile.Columns * k, rows = Copy(place, k);
        Packing.Transpose(rows, k, Tile.Columns, k, place, Tile.Columns);
    }

    /// <summary>Turns one panel back.</summary>
    public static void Restore(float* weight, int k, int panel)
    {
        float* place = weight + (nint)panel * Tile.Columns * k, steps = Copy(place, k);
        for (int row = 0; row < Tile.Columns; row++, place += k)
        {
            for (int step = 0; step < k; step++)
                place[step] = steps[(nint)step * Tile.Columns + row];
        }
    }

    /// <summary>Copies one row out of its panel.</summary>
    public static void CopyRow(float* weight, int k, int row, Span<float> destination)
    {
        float* at = Matrix.Panels(weight, k).At(0, row);
        for (int step = 0; step < k; step++, at += Tile.Columns)
            destination[step] = *at;
    }

    private static float* Copy(float* place, int k)
    {
        long count = (long)Tile.Columns * k;
        float* copy = ThreadScratch.Take(count);
        Buffer.MemoryCopy(place, copy, count * sizeof(float), count * sizeof(float));
        return copy;
    }
}
