using Lemma.Formulas;

namespace Lemma.Weights;

/// <summary>
/// Some rows of a parameter in memory of their own: quantized, in the panels of <see cref="QuantizedProduct"/>, of 16 bits in <see cref="HalfPanels"/>, or as
/// floats.
/// </summary>
internal sealed unsafe class WeightPiece
{
    private NativeBlock? memory;
    private long offset;

    /// <summary>Rows that have no memory yet.</summary>
    /// <param name="layout">How they are quantized; null for floats in rows.</param>
    /// <param name="firstRow">The first of them in the parameter.</param>
    /// <param name="rows">How many.</param>
    /// <param name="columns">Columns of a row.</param>
    public WeightPiece(QuantizedLayout? layout, int firstRow, int rows, int columns)
    {
        Require.That(rows > 0 && columns > 0 && (layout is null || columns % layout.Columns == 0),
            $"weights: rows of {layout?.Name ?? "floats"} have a multiple of {layout?.Columns ?? 1} columns, but {rows} rows of {columns} are asked for");
        (Layout, FirstRow, Rows, Columns) = (layout, firstRow, rows, columns);
        Elements = layout is null ? (long)rows * columns : Panels * layout.PanelBytes(columns) / sizeof(float);
    }

    /// <summary>The same for numbers of 16 bits.</summary>
    public WeightPiece(HalfKind halves, int firstRow, int rows, int columns)
    {
        Require.That(rows > 0 && columns > 0 && halves != HalfKind.None, $"weights: {rows} rows of {columns} numbers of 16 bits are asked for, {halves}");
        (Halves, FirstRow, Rows, Columns) = (halves, firstRow, rows, columns);
        Elements = (HalfPanels.Count(rows, columns) + 1) / 2;
    }

    /// <summary>Which 16 bits its numbers have, if they have.</summary>
    public HalfKind Halves { get; }

    /// <summary>The weight's transpose in panels of 16 bits.</summary>
    public Matrix HalfColumns => Matrix.HalfPanels((ushort*)At(0, Elements), Columns, Halves);

    /// <summary>How it is quantized, or null.</summary>
    public QuantizedLayout? Layout { get; }

    /// <summary>The name of what it is kept as.</summary>
    public string Format => Layout?.Name ?? Halves switch
    {
        HalfKind.None => "F32",
        HalfKind.Half => "F16",
        _ => "BF16",
    };

    /// <summary>The first row in the parameter.</summary>
    public int FirstRow { get; }

    /// <summary>How many rows.</summary>
    public int Rows { get; }

    /// <summary>Columns of a row.</summary>
    public int Columns { get; }

    /// <summary>Panels of 16 rows; the last may have fewer.</summary>
    public int Panels => (Rows + QuantizedLayout.Rows - 1) / QuantizedLayout.Rows;

    /// <summary>The floats of memory that it takes.</summary>
    public long Elements { get; }

    /// <summary>The bytes that it takes.</summary>
    public long Bytes => Elements * sizeof(float);

    /// <summary>Gives it its place, where everything is zero.</summary>
    public void Place(NativeBlock block, long first) => (memory, offset) = (block, first);

    /// <summary>The address of a panel.</summary>
    public byte* Panel(int panel)
    {
        long floats = Layout!.PanelBytes(Columns) / sizeof(float);
        return (byte*)At(panel * floats, floats);
    }

    /// <summary>Rows of floats, where it is not quantized.</summary>
    public Span<float> Floats(int firstRow, int rows)
    {
        Require.That(Layout is null && Halves == HalfKind.None, $"weights: {Layout?.Name ?? Halves.ToString()} are not floats");
        return new Span<float>(At((long)firstRow * Columns, (long)rows * Columns), rows * Columns);
    }

    /// <summary>Puts one row in its place, once.</summary>
    public void Put(int row, QuantizedRow source) => QuantizedPanel.Put(Layout!, Panel(row / QuantizedLayout.Rows), Columns, row % QuantizedLayout.Rows, source);

    /// <summary>Puts one row of 16 bits in its place.</summary>
    public void Put(int row, ReadOnlySpan<ushort> numbers) => HalfPanels.Put((ushort*)At(0, Elements), Columns, row, numbers);

    /// <summary>Copies a row as floats.</summary>
    public void CopyRow(int row, Span<float> destination)
    {
        Require.That(row >= 0 && row < Rows && destination.Length == Columns,
            $"weights: row {row} of {Rows} with {Columns} columns does not fit {destination.Length} numbers");
        if (Halves != HalfKind.None)
            HalfPanels.CopyRow(Halves, (ushort*)At(0, Elements), Columns, row, destination);
        else if (Layout is null)
            Floats(row, 1).CopyTo(destination);
        else
            QuantizedPanel.CopyRow(Layout, Panel(row / QuantizedLayout.Rows), Columns, row % QuantizedLayout.Rows, destination);
    }

    /// <summary>Fills all of its memory with a byte: for times, which do not depend on the numbers.</summary>
    public void FillBytes(byte value)
    {
        for (long at = 0; at < Elements; at += 1 << 20)
        {
            int count = (int)Math.Min(1 << 20, Elements - at);
            new Span<byte>(At(at, count), count * sizeof(float)).Fill(value);
        }
    }

    private float* At(long first, long count)
    {
        Require.That(first >= 0 && count >= 0 && first <= Elements - count,
            $"weights: elements {first} to {first + count} are not within the {Elements} of some rows");
        return (memory ?? throw new InvalidOperationException("weights: rows were used before they had memory")).At(offset + first, count);
    }
}
