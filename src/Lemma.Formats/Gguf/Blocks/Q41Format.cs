namespace Lemma.Formats;

/// <summary>Q4_1: x = d·q + m, q of 4 bits, 32 of them a block.</summary>
/// <remarks><code>
/// byte  0   2   4                20
///       │ d │ m │ 16 bytes       │        byte i: qᵢ in the lower half, qᵢ₊₁₆ in the upper
/// </code></remarks>
internal sealed class Q41Format() : BlockFormat("Q4_1", 32, 20, new(4, 32, HasMinima: true))
{
    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        (to.Scales[0], to.Minima[0]) = (Bits(block), Bits(block[2..]));
        Nibbles(block.Slice(4, 16), to.Numbers);
    }
}
