namespace Lemma.Formats;

/// <summary>MXFP4: x = 2^(e − 128)·v(q), q a number of 4 bits with a sign, two bits of exponent and one of fraction; 32 of them a block.</summary>
/// <remarks><code>
/// byte  0   1                17
///       │ e │ 16 bytes       │        byte i: qᵢ in the lower half, qᵢ₊₁₆ in the upper; v is twice the number, so that it is whole
/// </code>Source: OCP Microscaling Formats 1.0.</remarks>
internal sealed class Mxfp4Format() : BlockFormat("MXFP4", 32, 17, Meaning)
{
    private static readonly BlockNumbers Meaning = new(4, 32, HasExponent: true) { Values = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] };

    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        to.Scales[0] = block[0];
        Nibbles(block.Slice(1, 16), to.Numbers);
    }
}
