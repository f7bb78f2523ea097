namespace Lemma.Formats;

/// <summary>IQ4_NL: x = d·v(q), q of 4 bits that choose one of 16 values which lie closer around 0; 32 of them a block.</summary>
/// <remarks>Bytes as in Q4_0.</remarks>
internal sealed class Iq4NlFormat() : BlockFormat("IQ4_NL", 32, 18, Meaning)
{
    private static readonly BlockNumbers Meaning = new(4, 32) { Values = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] };

    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        to.Scales[0] = Bits(block);
        Nibbles(block.Slice(2, 16), to.Numbers);
    }
}
