namespace Lemma.Formats;

/// <summary>The eight scales and eight minima of 6 bits that Q4_K and Q5_K keep in 12 bytes.</summary>
/// <remarks><code>
/// byte i        (i below 4)   │ two bits of s₄₊ᵢ │ sᵢ            │
/// byte 4 + i                  │ two bits of m₄₊ᵢ │ mᵢ            │
/// byte 8 + i                  │ four bits of m₄₊ᵢ │ four of s₄₊ᵢ │
/// </code></remarks>
internal static class KScales
{
    /// <summary>The bytes they take.</summary>
    public const int Bytes = 12;

    /// <summary>Scale and minimum of a part.</summary>
    public static (byte Scale, byte Minimum) Read(ReadOnlySpan<byte> place, int part) => part < 4 ? ((byte)(place[part] & 63), (byte)(place[part + 4] & 63))
        : ((byte)(place[part + 4] & 15 | place[part - 4] >> 6 << 4), (byte)(place[part + 4] >> 4 | place[part] >> 6 << 4));

    /// <summary>Writes all of them.</summary>
    public static void Write(Span<byte> place, ReadOnlySpan<int> scales, ReadOnlySpan<int> minima)
    {
        for (int i = 0; i < 4; i++)
        {
            place[i] = (byte)(scales[i] | scales[i + 4] >> 4 << 6);
            place[i + 4] = (byte)(minima[i] | minima[i + 4] >> 4 << 6);
            place[i + 8] = (byte)(scales[i + 4] & 15 | (minima[i + 4] & 15) << 4);
        }
    }
}
