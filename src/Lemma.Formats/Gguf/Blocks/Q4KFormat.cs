using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>Q4_K: x = (d·s)·q − e·m, q of 4 bits; each 32 numbers have a scale s and a minimum m of 6 bits.</summary>
/// <remarks><code>
/// byte  0   2   4        16                144
///       │ d │ e │ s, m   │ 128 bytes       │        s and m as in KScales
///
/// Byte 32·n + l: number 64·n + l in the lower half, number 64·n + 32 + l in the upper.
/// </code></remarks>
internal sealed class Q4KFormat() : BlockFormat("Q4_K", 256, 144, new(4, 32, HasMinima: true))
{
    public override bool IsWritten => true;

    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        (to.Scales[0], to.Minima[0]) = (Bits(block), Bits(block[2..]));
        for (int part = 0; part < 8; part++)
        {
            (to.Parts[part], to.PartMinima[part]) = KScales.Read(block.Slice(4, KScales.Bytes), part);
            Vector256<byte> halves = Vector256.Create(block.Slice(16 + part / 2 * 32, 32));
            ((halves >>> part % 2 * 4) & Vector256.Create((byte)15)).CopyTo(to.Numbers[(32 * part)..]);
        }
    }

    private protected override void QuantizeBlock(ReadOnlySpan<float> x, Span<byte> block, ReadOnlySpan<float> importance)
    {
        Span<byte> levels = stackalloc byte[256];
        AffineBlock.Choose(x, importance, 15, levels, block.Slice(4, KScales.Bytes), out Half d, out Half e);
        WriteHalf(block, (float)d);
        WriteHalf(block[2..], (float)e);
        for (int i = 0; i < 128; i++)
        {
            int first = i / 32 * 64 + i % 32;
            block[16 + i] = (byte)(levels[first] | levels[first + 32] << 4);
        }
    }
}
