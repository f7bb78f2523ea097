using System.Buffers.Binary;

namespace Lemma.Formats;

/// <summary>Q5_0: x = d·(q − 16), q of 5 bits, 32 of them a block.</summary>
/// <remarks><code>
/// byte  0   2        6                22
///       │ d │ 32 bit │ 16 bytes       │        bit i: the fifth bit of qᵢ; byte i: the others of qᵢ in the lower half, of qᵢ₊₁₆ in the upper
/// </code></remarks>
internal sealed class Q50Format() : BlockFormat("Q5_0", 32, 22, new(5, 32, Offset: 16))
{
    // Rows that hold no whole blocks of 256 are written so where Q4_K is asked for.
    public override bool IsWritten => true;

    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        to.Scales[0] = Bits(block);
        Nibbles(block.Slice(6, 16), to.Numbers);
        AddFifth(block[2..], to.Numbers);
    }

    private protected override void QuantizeBlock(ReadOnlySpan<float> x, Span<byte> block, ReadOnlySpan<float> importance)
    {
        float d = importance.Length == 0 ? SymmetricSearch.Furthest(x) / -16
            : SymmetricSearch.Scale(x, SymmetricSearch.Weights(x, importance, stackalloc float[32]), 16);
        float inverse = d == 0 ? 0 : 1 / d;
        WriteHalf(block, d);
        uint high = 0;
        for (int i = 0; i < 16; i++)
        {
            int lower = Level(x[i] * inverse), upper = Level(x[i + 16] * inverse);
            block[6 + i] = (byte)(lower & 15 | (upper & 15) << 4);
            high |= (uint)(lower >> 4) << i | (uint)(upper >> 4) << (i + 16);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(block[2..], high);
    }

    private static int Level(float x) => Math.Clamp((int)(x + 16.5f), 0, 31);
}
