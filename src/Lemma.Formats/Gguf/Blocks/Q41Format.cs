namespace Lemma.Formats;

/// <summary>Q4_1: x = d·q + m, q of 4 bits, 32 of them a block.</summary>
/// <remarks><code>
/// byte  0   2   4                20
///       │ d │ m │ 16 bytes       │        byte i: qᵢ in the lower half, qᵢ₊₁₆ in the upper
/// </code></remarks>
internal sealed class Q41Format() : BlockFormat("Q4_1", 32, 20)
{
    private protected override void DequantizeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block), m = Half(block[2..]);
        for (int i = 0; i < 16; i++)
        {
            values[i] = (block[4 + i] & 15) * d + m;
            values[i + 16] = (block[4 + i] >> 4) * d + m;
        }
    }
}
