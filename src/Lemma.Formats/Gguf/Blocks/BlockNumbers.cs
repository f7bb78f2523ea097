namespace Lemma.Formats;

/// <summary>What the whole numbers u of a format's blocks stand for: d·(u − offset) or d·u + m, d by parts of a block.</summary>
/// <param name="Bits">Bits of a whole number.</param>
/// <param name="Part">Numbers that share a scale.</param>
/// <param name="Offset">What is subtracted from each.</param>
/// <param name="HasMinima">Whether something is added to each: m of a block, or −e·t of each part.</param>
/// <param name="HasExponent">Whether the scale of a block is a power of two, by its exponent alone.</param>
internal readonly record struct BlockNumbers(int Bits, int Part, int Offset = 0, bool HasMinima = false, bool HasExponent = false)
{
    /// <summary>What the 16 numbers of 4 bits stand for instead of themselves; null for themselves.</summary>
    public sbyte[]? Values { get; init; }
}

/// <summary>A block taken apart, or several of one row: its whole numbers and what scales them.</summary>
/// <param name="numbers">A byte each.</param>
/// <param name="scales">d of each block, bits of a half, or an exponent.</param>
/// <param name="minima">m or e of each block, bits of a half; empty without.</param>
/// <param name="parts">s of each part of a block of 256, a signed byte without minima; empty of other blocks.</param>
/// <param name="partMinima">t of each part; empty without.</param>
internal readonly ref struct BlockContent(Span<byte> numbers, Span<ushort> scales, Span<ushort> minima, Span<byte> parts, Span<byte> partMinima)
{
    public Span<byte> Numbers { get; } = numbers;

    public Span<ushort> Scales { get; } = scales;

    public Span<ushort> Minima { get; } = minima;

    public Span<byte> Parts { get; } = parts;

    public Span<byte> PartMinima { get; } = partMinima;
}
