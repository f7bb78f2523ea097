namespace Lemma.Evaluation.Compression;

/// <summary>Bytes that no text has, by how often each came before.</summary>
internal sealed class ByteShares
{
    private const int Step = 32, Most = 1 << 16;
    private readonly int[] counts = [.. Enumerable.Repeat(1, 256)];
    private int total = 256;

    /// <summary>The least bits that a byte costs: all others have a share too.</summary>
    public static double LeastBits => Math.Log2(Most / (Most - 255.0));

    public void Encode(RangeEncoder coder, byte value)
    {
        coder.Encode(From(value), (ulong)counts[value], (ulong)total);
        Count(value);
    }

    public byte Decode(RangeDecoder coder)
    {
        ulong place = coder.Place((ulong)total), from = 0;
        int value = 0;
        while (from + (ulong)counts[value] <= place)
            from += (ulong)counts[value++];
        coder.Decoded(from, (ulong)counts[value], (ulong)total);
        Count((byte)value);
        return (byte)value;
    }

    private ulong From(byte value)
    {
        ulong from = 0;
        for (int i = 0; i < value; i++)
            from += (ulong)counts[i];
        return from;
    }

    private void Count(byte value)
    {
        counts[value] += Step;
        total += Step;
        if (total < Most)
            return;
        total = 0;
        for (int i = 0; i < counts.Length; i++)
            total += counts[i] = (counts[i] + 1) / 2;
    }
}
