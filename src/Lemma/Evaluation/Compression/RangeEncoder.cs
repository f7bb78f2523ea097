namespace Lemma.Evaluation.Compression;

/// <summary>An arithmetic coder with a range of 64 bits: a symbol narrows it to its share.</summary>
/// <remarks>
/// Martin 1979, "Range encoding". The range stays at 2⁵⁶ or above and sums of frequencies below 2³², so a symbol costs −log₂ of its share and 2⁻²³ bits more
/// at most; the last of a total gets what the division leaves.
/// </remarks>
internal sealed class RangeEncoder
{
    private const ulong Least = 1UL << 56;
    private readonly List<byte> bytes = [];
    private ulong low, range = ulong.MaxValue;

    /// <summary>Codes the symbol whose share of <paramref name="total"/> begins at <paramref name="from"/>.</summary>
    public void Encode(ulong from, ulong size, ulong total)
    {
        ulong step = range / total, start = step * from;
        low += start;
        if (low < start)
            Carry();
        // What the division leaves goes to the last symbol.
        range = from + size == total ? range - start : step * size;
        while (range < Least)
        {
            bytes.Add((byte)(low >> 56));
            low <<= 8;
            range <<= 8;
        }
    }

    /// <summary>Everything, with as few bytes as name a number in the range; behind them a decoder reads zeros.</summary>
    public byte[] Finish()
    {
        ulong end = (low + (Least - 1)) & ~(Least - 1);
        if (end < low)
            Carry();
        bytes.Add((byte)(end >> 56));
        return [.. bytes];
    }

    private void Carry()
    {
        int at = bytes.Count - 1;
        while (++bytes[at] == 0)
            at--;
    }
}
