namespace Lemma.Formats;

/// <summary>Q3_K: x = (d·(s − 32))·(q − 4), q of 3 bits; each 16 numbers have a scale s of 6 bits.</summary>
/// <remarks><code>
/// byte  0           32          96      108 110
///       │ third bit │ two bits  │ s     │ d │
///
/// Number 128·n + 32·j + l lies in byte 32·n + l of the second part, bits 2·j and 2·j + 1, and in bit 4·n + j of byte l of the first.
/// Scale i: four bits in byte i % 8 of the third part (the upper half from 8 on), two in byte 8 + i % 4, from bit 2·(i / 4) on.
/// </code></remarks>
internal sealed class Q3KFormat() : BlockFormat("Q3_K", 256, 110, new(3, 16, Offset: 4))
{
    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        to.Scales[0] = Bits(block[108..]);
        ReadOnlySpan<byte> scales = block.Slice(96, 12);
        for (int part = 0; part < 16; part++)
        {
            int lower = scales[part % 8] >> part / 8 * 4 & 15, upper = scales[8 + part % 4] >> part / 4 * 2 & 3;
            to.Parts[part] = (byte)((lower | upper << 4) - 32);
            int place = part % 2 * 16, turn = part / 2;
            for (int i = 0; i < 16; i++)
            {
                int two = block[32 + part / 8 * 32 + place + i] >> turn % 4 * 2 & 3, third = block[place + i] >> turn & 1;
                to.Numbers[16 * part + i] = (byte)(two | third << 2);
            }
        }
    }
}
