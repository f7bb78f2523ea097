using Lemma.Formulas;

namespace Lemma.Weights;

/// <summary>Some rows of a parameter that lie in memory of their own, quantized, in the panels that <see cref="QuantizedProduct"/> reads, or as floats.</summary>
internal sealed unsafe class WeightPiece : IDisposable
{
    private readonly NativeBlock block;

    /// <summary>Memory for rows, all zero.</summary>
    /// <param name="layout">How they are quantized; null for floats in rows.</param>
    /// <param name="firstRow">The first of them in the parameter.</param>
    /// <param name="rows">How many.</param>
    /// <param name="columns">Columns of a row.</param>
    public WeightPiece(QuantizedLayout? layout, int firstRow, int rows, int columns)
    {
        Require.That(rows > 0 && columns > 0 && (layout is null || columns % layout.Columns == 0),
            $"weights: rows of {layout?.Name ?? "floats"} have a multiple of {layout?.Columns ?? 1} columns, but {rows} rows of {columns} are asked for");
        (Layout, FirstRow, Rows, Columns) = (layout, firstRow, rows, columns);
        block = new NativeBlock("weights", layout is null ? (long)rows * columns : Panels * layout.PanelBytes(columns) / sizeof(float), isCleared: true);
    }

    /// <summary>How it is quantized, or null.</summary>
    public QuantizedLayout? Layout { get; }

    /// <summary>The first row in the parameter.</summary>
    public int FirstRow { get; }

    /// <summary>How many rows.</summary>
    public int Rows { get; }

    /// <summary>Columns of a row.</summary>
    public int Columns { get; }

    /// <summary>Panels of 16 rows; the last may have fewer.</summary>
    public int Panels => (Rows + QuantizedLayout.Rows - 1) / QuantizedLayout.Rows;

    /// <summary>The bytes that it takes.</summary>
    public long Bytes => block.Length * sizeof(float);

    /// <summary>The address of a panel.</summary>
    public byte* Panel(int panel)
    {
        long floats = Layout!.PanelBytes(Columns) / sizeof(float);
        return (byte*)block.At(panel * floats, floats);
    }

    /// <summary>Rows of floats, where it is not quantized.</summary>
    public Span<float> Floats(int firstRow, int rows)
    {
        Require.That(Layout is null, $"weights: {Layout?.Name} are not floats");
        return block.Span((long)firstRow * Columns, (long)rows * Columns);
    }

    /// <summary>Puts one row in its place, once.</summary>
    public void Put(int row, QuantizedRow source) => QuantizedPanel.Put(Layout!, Panel(row / QuantizedLayout.Rows), Columns, row % QuantizedLayout.Rows, source);

    /// <summary>Copies a row as floats.</summary>
    public void CopyRow(int row, Span<float> destination)
    {
        Require.That(row >= 0 && row < Rows && destination.Length == Columns, $"weights: row {row} of {Rows} with {Columns} columns does not fit {destination.Length} numbers");
        if (Layout is null)
            Floats(row, 1).CopyTo(destination);
        else
            QuantizedPanel.CopyRow(Layout, Panel(row / QuantizedLayout.Rows), Columns, row % QuantizedLayout.Rows, destination);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => block.Dispose();
}
