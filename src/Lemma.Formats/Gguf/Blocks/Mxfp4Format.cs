namespace Lemma.Formats;

/// <summary>MXFP4: x = 2^(e − 128)·v(q), q a number of 4 bits with a sign, two bits of exponent and one of fraction; 32 of them a block.</summary>
/// <remarks><code>
/// byte  0   1                17
///       │ e │ 16 bytes       │        byte i: qᵢ in the lower half, qᵢ₊₁₆ in the upper; v is twice the number, so that it is whole
/// </code>Source: OCP Microscaling Formats 1.0.</remarks>
internal sealed class Mxfp4Format() : BlockFormat("MXFP4", 32, 17)
{
    private static ReadOnlySpan<sbyte> Values => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    private protected override void DequantizeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        // The two least exponents are subnormal floats.
        float d = BitConverter.UInt32BitsToSingle(block[0] < 2 ? 0x00200000u << block[0] : (uint)(block[0] - 1) << 23);
        for (int i = 0; i < 16; i++)
        {
            values[i] = Values[block[1 + i] & 15] * d;
            values[i + 16] = Values[block[1 + i] >> 4] * d;
        }
    }
}
