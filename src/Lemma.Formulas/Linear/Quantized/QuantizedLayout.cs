namespace Lemma.Formulas;

/// <summary>How a quantized weight is kept for products: whole numbers u of some bits, and scales by parts of a row.</summary>
/// <remarks>
/// 16 rows lie together as a panel, so that a vector has one sum a row. First the scales, then the whole numbers, for each 32 columns 64 bytes a bit.
/// Four columns of 16 rows are a group: a byte for each, the columns of a row side by side, as instructions that multiply bytes want them.
/// <code>
///   group j of 8:   row 0: columns 4j … 4j+3 | row 1: 4j … 4j+3 | … | row 15                                64 bytes
///   8 bits:   groups 0 … 7                                4 bits:   group 0 with 4 above it, 1 with 5, 2 with 6, 3 with 7
///   2 bits:   groups 0, 1, 2, 3 above each other, then 4 … 7
///   5 = 4 + 1:  then the fifth bits, bit j for group j    6 = 4 + 2, 3 = 2 + 1 alike
///
///   scales:   Half: 16 d             HalfWithMinimum: 16 d, 16 m            Exponent: 16 e                  for every 32 columns
///             SuperWithMinimum: 16 d, 16 D, then for each part 16 s, 16 t       SuperSigned: 16 d, then for each part 16 s      for every 256
/// </code>
/// </remarks>
public sealed class QuantizedLayout
{
    /// <summary>Rows of a panel.</summary>
    public const int Rows = 16;

    /// <summary>Columns that share the place of their whole numbers; a row has a multiple of them.</summary>
    internal const int Block = 32;

    /// <summary>Columns of the kinds of scales that are in two levels.</summary>
    internal const int SuperBlock = 256;

    private readonly sbyte[] table;

    /// <summary>A layout.</summary>
    /// <param name="name">Its name, as errors say it.</param>
    /// <param name="bits">Bits of a whole number: 2, 3, 4, 5, 6 or 8.</param>
    /// <param name="scales">What stands beside them.</param>
    /// <param name="part">Columns of one scale: 32 or 16.</param>
    /// <param name="offset">What is subtracted from each whole number.</param>
    /// <param name="table">What the 16 numbers of 4 bits stand for, from which nothing is subtracted then; empty for themselves.</param>
    public QuantizedLayout(string name, int bits, ScaleKind scales, int part, int offset, params ReadOnlySpan<sbyte> table)
    {
        Check.That(bits is 2 or 3 or 4 or 5 or 6 or 8, "quantized", $"numbers have 2, 3, 4, 5, 6 or 8 bits, not {bits}");
        Check.That(part is 32 or 16 && (part == 32 || IsSuper(scales)), "quantized", $"a scale is for 32 columns, or for 16 of 256, not for {part}");
        Check.That(table.Length is 0 or 16 && (table.Length == 0 || (bits == 4 && offset == 0)), "quantized",
            $"a table has 16 numbers for 4 bits and no offset, but it has {table.Length} for {bits} bits and the offset {offset}");
        (Name, Bits, Scales, Part, this.table) = (name, bits, scales, part, table.ToArray());
        Offset = table.Length > 0 ? 128 : offset;
        Columns = IsSuper(scales) ? SuperBlock : Block;
        ScaleBytes = Rows * scales switch
        {
            ScaleKind.Half => 2,
            ScaleKind.HalfWithMinimum => 4,
            ScaleKind.Exponent => 1,
            ScaleKind.SuperWithMinimum => 4 + SuperBlock / part * 2,
            _ => 2 + SuperBlock / part,
        };
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Bits of a whole number.</summary>
    public int Bits { get; }

    /// <summary>What stands beside the whole numbers.</summary>
    public ScaleKind Scales { get; }

    /// <summary>Columns of one scale.</summary>
    public int Part { get; }

    /// <summary>What is subtracted from an unpacked number; of a table it is 128.</summary>
    internal int Offset { get; }

    /// <summary>The largest unpacked number.</summary>
    internal int Largest => table.Length > 0 ? 255 : (1 << Bits) - 1;

    /// <summary>What the numbers stand for, or nothing.</summary>
    internal ReadOnlySpan<sbyte> Table => table;

    /// <summary>Whether something is added or subtracted beside the scaled numbers.</summary>
    internal bool HasMinima => Scales is ScaleKind.HalfWithMinimum or ScaleKind.SuperWithMinimum;

    /// <summary>What the columns of a row are a multiple of.</summary>
    public int Columns { get; }

    /// <summary>Where the whole numbers of a panel begin: behind the scales, as they are read.</summary>
    internal long NumbersAt(int columns) => ((long)columns / Columns * ScaleBytes + 63) / 64 * 64;

    /// <summary>Bytes of a panel of some columns.</summary>
    public long PanelBytes(int columns) => NumbersAt(columns) + (long)columns / Block * 64 * Bits;

    /// <summary>Bytes of the scales of 16 rows for <see cref="Columns"/> columns.</summary>
    internal int ScaleBytes { get; }

    private static bool IsSuper(ScaleKind scales) => scales is ScaleKind.SuperWithMinimum or ScaleKind.SuperSigned;
}
