using System.Buffers.Binary;

namespace Lemma.Formats;

/// <summary>Q5_1: x = d·q + m, q of 5 bits, 32 of them a block.</summary>
/// <remarks><code>
/// byte  0   2   4        8                24
///       │ d │ m │ 32 bit │ 16 bytes       │        bits as in Q5_0
/// </code></remarks>
internal sealed class Q51Format() : BlockFormat("Q5_1", 32, 24, new(5, 32, HasMinima: true))
{
    // Rows that hold no whole blocks of 256 are written so where Q5_K is asked for.
    public override bool IsWritten => true;

    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        (to.Scales[0], to.Minima[0]) = (Bits(block), Bits(block[2..]));
        Nibbles(block.Slice(8, 16), to.Numbers);
        AddFifth(block[4..], to.Numbers);
    }

    private protected override void QuantizeBlock(ReadOnlySpan<float> x, Span<byte> block, ReadOnlySpan<float> importance)
    {
        float least = float.PositiveInfinity, most = float.NegativeInfinity;
        foreach (float number in x)
            (least, most) = (Math.Min(least, number), Math.Max(most, number));
        float d = (most - least) / 31;
        if (importance.Length > 0)
        {
            (d, float below) = AffineSearch.Find(x, SymmetricSearch.Weights(x, importance, stackalloc float[32]), 31);
            least = -below;
        }
        float inverse = d == 0 ? 0 : 1 / d;
        WriteHalf(block, d);
        WriteHalf(block[2..], least);
        uint high = 0;
        for (int i = 0; i < 16; i++)
        {
            int lower = Level((x[i] - least) * inverse), upper = Level((x[i + 16] - least) * inverse);
            block[8 + i] = (byte)(lower & 15 | (upper & 15) << 4);
            high |= (uint)(lower >> 4) << i | (uint)(upper >> 4) << (i + 16);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], high);
    }

    private static int Level(float x) => Math.Clamp((int)(x + 0.5f), 0, 31);
}
