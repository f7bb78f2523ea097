namespace Lemma.Formulas;

/// <summary>How a page of 192 positions lies: for each key/value head its keys, then its values.</summary>
/// <remarks>
/// 32 and 16 bits: each key panel is [d_h][columns] of the tile's columns positions, each value panel [192][columns] of so many elements of the values.
/// Blocks of 32 along the width w of one position of one head, columns the tile's, of 8 or 4 bits:
/// <code>
/// keys     numbers  [192/columns][d_h][columns] bytes, a column a position         4 bits: [d_h/2], elements 2t and 2t+1 in the low and high half
///          scales   [192/columns][d_h/32][columns] halves
/// values   numbers  [d_v/32][192][32] bytes                                        4 bits: [16], elements i and i+16 in the low and high half
///          scales   [d_v/32][192] halves
/// </code>
/// So the panels of the tile are made by widening alone, and a position is written without touching another's bytes. A scale is a half, as ggml's is:
/// 34 or 18 bytes for 32 numbers, where 32 bits would take 36 and 20; it is rounded up, so that no number leaves the range that it scales.
/// </remarks>
internal readonly record struct KeyValuePageShape(int Heads, int HeadWidth, int ValueWidth, PageFormat Format = PageFormat.Single)
{
    /// <summary>Numbers that share a scale.</summary>
    public const int BlockNumbers = 32;

    /// <summary>Whether numbers are turned and lie in blocks with a scale.</summary>
    public bool IsBlocks => Format is PageFormat.Eight or PageFormat.Four;

    /// <summary>Elements of 32 bits that the keys of one head take.</summary>
    public int KeyElements => Elements32(HeadWidth);

    /// <summary>Elements of 32 bits that one head takes.</summary>
    public int HeadElements => KeyElements + Elements32(IsBlocks ? ValueWidth : Attention.Rounded(ValueWidth));

    /// <summary>Elements of 32 bits that a page takes.</summary>
    public int Elements => Heads * HeadElements;

    /// <summary>Bytes of some numbers, without scales.</summary>
    public int BytesOf(int count) => Format switch
    {
        PageFormat.Single => sizeof(float) * count,
        PageFormat.Half or PageFormat.Brain => sizeof(ushort) * count,
        PageFormat.Eight => count,
        _ => count / 2,
    };

    /// <summary>Where the scales of a width begin behind its numbers, in bytes.</summary>
    public int ScaleOffset(int width) => PagedAttention.Block * BytesOf(width);

    private int Elements32(int width) =>
        PagedAttention.Block * (BytesOf(width) + (IsBlocks ? sizeof(ushort) * (width / BlockNumbers) : 0)) / sizeof(float);
}
