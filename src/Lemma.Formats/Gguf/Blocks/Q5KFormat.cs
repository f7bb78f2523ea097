using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>Q5_K: x = (d·s)·q − e·m, q of 5 bits; each 32 numbers have a scale s and a minimum m of 6 bits.</summary>
/// <remarks><code>
/// byte  0   2   4        16          48                176
///       │ d │ e │ s, m   │ fifth bit │ 128 bytes       │        s and m as in KScales, the bytes as in Q4_K
///
/// Number 32·n + l has its fifth bit in bit n of byte l.
/// </code></remarks>
internal sealed class Q5KFormat() : BlockFormat("Q5_K", 256, 176, new(5, 32, HasMinima: true))
{
    public override bool IsWritten => true;

    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        (to.Scales[0], to.Minima[0]) = (Bits(block), Bits(block[2..]));
        for (int part = 0; part < 8; part++)
        {
            (to.Parts[part], to.PartMinima[part]) = KScales.Read(block.Slice(4, KScales.Bytes), part);
            Vector256<byte> fifth = Vector256.Create(block.Slice(16, 32)), halves = Vector256.Create(block.Slice(48 + part / 2 * 32, 32));
            ((halves >>> part % 2 * 4) & Vector256.Create((byte)15) | ((fifth >>> part) & Vector256<byte>.One) << 4).CopyTo(to.Numbers[(32 * part)..]);
        }
    }

    private protected override void QuantizeBlock(ReadOnlySpan<float> x, Span<byte> block, ReadOnlySpan<float> importance)
    {
        Span<byte> levels = stackalloc byte[256];
        AffineBlock.Choose(x, importance, 31, levels, block.Slice(4, KScales.Bytes), out Half d, out Half e);
        WriteHalf(block, (float)d);
        WriteHalf(block[2..], (float)e);
        for (int i = 0; i < 128; i++)
        {
            int first = i / 32 * 64 + i % 32;
            block[48 + i] = (byte)(levels[first] & 15 | (levels[first + 32] & 15) << 4);
        }
        for (int i = 0; i < 32; i++)
        {
            int bits = 0;
            for (int part = 0; part < 8; part++)
                bits |= levels[32 * part + i] >> 4 << part;
            block[16 + i] = (byte)bits;
        }
    }
}
