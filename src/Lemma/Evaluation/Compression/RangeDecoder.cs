namespace Lemma.Evaluation.Compression;

/// <summary>Reads what <see cref="RangeEncoder"/> wrote, given the same shares.</summary>
/// <remarks>
/// It begins with eight bytes and takes one more whenever the encoder gave one, which gives one more at its end: so what was written whole is read with seven
/// zeros behind it at most, and who needs another asks for more symbols than were written.
/// </remarks>
internal sealed class RangeDecoder
{
    private const ulong Least = 1UL << 56;
    private const int ZerosBehind = 7;
    private readonly ReadOnlyMemory<byte> bytes;
    private ulong place, range = ulong.MaxValue;
    private int next;

    public RangeDecoder(ReadOnlyMemory<byte> bytes)
    {
        this.bytes = bytes;
        for (int i = 0; i < 8; i++)
            place = (place << 8) | Byte();
    }

    /// <summary>Where in a total the next symbol lies: that whose share holds it.</summary>
    public ulong Place(ulong total) => Math.Min(place / (range / total), total - 1);

    /// <summary>Goes on behind the symbol.</summary>
    public void Decoded(ulong from, ulong size, ulong total)
    {
        ulong step = range / total, start = step * from;
        place -= start;
        range = from + size == total ? range - start : step * size;
        while (range < Least)
        {
            place = (place << 8) | Byte();
            range <<= 8;
        }
    }

    private ulong Byte()
    {
        int at = next++;
        if (at < bytes.Length)
            return bytes.Span[at];
        return at < bytes.Length + ZerosBehind ? 0UL
            : throw new InvalidDataException($"decompression: the code of {bytes.Length} bytes ends before the content does: the file was changed");
    }
}
