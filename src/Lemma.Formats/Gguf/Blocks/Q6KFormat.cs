using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>Q6_K: x = (d·s)·(q − 32), q of 6 bits; each 16 numbers have a scale s, a signed byte.</summary>
/// <remarks><code>
/// byte  0             128         192    208 210
///       │ four bits   │ two bits  │ s    │ d │
///
/// Number 128·n + 32·j + l: four bits in byte 64·n + 32·(j % 2) + l, in its upper half where j is 2 or 3; two in byte 32·n + l of the second
/// part, from bit 2·j on.
/// </code></remarks>
internal sealed class Q6KFormat() : BlockFormat("Q6_K", 256, 210, new(6, 16, Offset: 32))
{
    public override bool IsWritten => true;

    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        to.Scales[0] = Bits(block[208..]);
        block.Slice(192, 16).CopyTo(to.Parts);
        for (int part = 0; part < 16; part++)
        {
            int n = part / 8, j = part % 8 / 2, place = part % 2 * 16;
            Vector128<byte> four = Vector128.Create(block.Slice(64 * n + j % 2 * 32 + place, 16)), two = Vector128.Create(block.Slice(128 + 32 * n + place, 16));
            ((four >>> j / 2 * 4) & Vector128.Create((byte)15) | ((two >>> 2 * j) & Vector128.Create((byte)3)) << 4).CopyTo(to.Numbers[(16 * part)..]);
        }
    }

    private protected override void QuantizeBlock(ReadOnlySpan<float> x, Span<byte> block, ReadOnlySpan<float> importance)
    {
        Span<byte> levels = stackalloc byte[256];
        SymmetricBlock.Choose(x, importance, levels, block.Slice(192, 16), out Half d);
        WriteHalf(block[208..], (float)d);
        block[..192].Clear();
        for (int i = 0; i < 256; i++)
        {
            int n = i / 128, j = i % 128 / 32, place = i % 32;
            block[64 * n + j % 2 * 32 + place] |= (byte)((levels[i] & 15) << j / 2 * 4);
            block[128 + 32 * n + place] |= (byte)(levels[i] >> 4 << 2 * j);
        }
    }
}
