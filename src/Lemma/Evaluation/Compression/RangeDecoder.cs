namespace Lemma.Evaluation.Compression;

/// <summary>Reads what <see cref="RangeEncoder"/> wrote, given the same shares.</summary>
internal sealed class RangeDecoder
{
    private const ulong Least = 1UL << 56;
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

    private ulong Byte() => next < bytes.Length ? bytes.Span[next++] : 0UL;
}
