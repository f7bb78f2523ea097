namespace Lemma.Formulas;

/// <summary>One row of a quantized weight as its file has it: whole numbers, and the scales of its <see cref="QuantizedLayout"/>.</summary>
/// <param name="numbers">A whole number a column, of the layout's bits.</param>
/// <param name="scales">d, bits of a half, one for 32 or 256 columns; of <see cref="ScaleKind.Exponent"/> the exponents.</param>
/// <param name="minima">m or D, bits of a half, as many as d; empty without minima.</param>
/// <param name="parts">s, one a part; empty without.</param>
/// <param name="partMinima">t, one a part; empty without.</param>
public readonly ref struct QuantizedRow(ReadOnlySpan<byte> numbers, ReadOnlySpan<ushort> scales, ReadOnlySpan<ushort> minima, ReadOnlySpan<byte> parts,
    ReadOnlySpan<byte> partMinima)
{
    /// <summary>A whole number a column.</summary>
    public ReadOnlySpan<byte> Numbers { get; } = numbers;

    /// <summary>d, or exponents.</summary>
    public ReadOnlySpan<ushort> Scales { get; } = scales;

    /// <summary>m or D.</summary>
    public ReadOnlySpan<ushort> Minima { get; } = minima;

    /// <summary>s.</summary>
    public ReadOnlySpan<byte> Parts { get; } = parts;

    /// <summary>t.</summary>
    public ReadOnlySpan<byte> PartMinima { get; } = partMinima;
}
