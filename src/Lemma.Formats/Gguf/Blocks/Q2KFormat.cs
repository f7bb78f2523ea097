namespace Lemma.Formats;

/// <summary>Q2_K: x = (d·s)·q − e·m, q of 2 bits; each 16 numbers have a scale s and a minimum m of 4 bits.</summary>
/// <remarks><code>
/// byte  0               16                80  82  84
///       │ s and m of 16 │ 64 bytes        │ d │ e │        scale byte: s in the lower half, m in the upper
///
/// Number 128·n + 32·j + l (l below 32) lies in byte 32·n + l, bits 2·j and 2·j + 1.
/// </code></remarks>
internal sealed class Q2KFormat() : BlockFormat("Q2_K", 256, 84, new(2, 16, HasMinima: true))
{
    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        (to.Scales[0], to.Minima[0]) = (Bits(block[80..]), Bits(block[82..]));
        for (int part = 0; part < 16; part++)
        {
            (to.Parts[part], to.PartMinima[part]) = ((byte)(block[part] & 15), (byte)(block[part] >> 4));
            ReadOnlySpan<byte> bits = block.Slice(16 + part / 8 * 32 + part % 2 * 16, 16);
            for (int i = 0; i < 16; i++)
                to.Numbers[16 * part + i] = (byte)(bits[i] >> part % 8 / 2 * 2 & 3);
        }
    }
}
