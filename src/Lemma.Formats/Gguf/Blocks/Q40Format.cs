namespace Lemma.Formats;

/// <summary>Q4_0: x = d·(q − 8), q of 4 bits, 32 of them a block.</summary>
/// <remarks><code>
/// byte  0   2                18
///       │ d │ 16 bytes       │        byte i: qᵢ in the lower half, qᵢ₊₁₆ in the upper
/// </code></remarks>
internal sealed class Q40Format() : BlockFormat("Q4_0", 32, 18, new(4, 32, Offset: 8))
{
    public override bool IsWritten => true;

    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        to.Scales[0] = Bits(block);
        Nibbles(block.Slice(2, 16), to.Numbers);
    }

    private protected override void QuantizeBlock(ReadOnlySpan<float> x, Span<byte> block, ReadOnlySpan<float> importance)
    {
        // The number of the largest magnitude becomes −8, the end that reaches further; with importance the scale is searched.
        float d = importance.Length == 0 ? SymmetricSearch.Furthest(x) / -8
            : SymmetricSearch.Scale(x, SymmetricSearch.Weights(x, importance, stackalloc float[32]), 8);
        float inverse = d == 0 ? 0 : 1 / d;
        WriteHalf(block, d);
        for (int i = 0; i < 16; i++)
            block[2 + i] = (byte)(Level(x[i] * inverse) | Level(x[i + 16] * inverse) << 4);
    }

    private static int Level(float x) => Math.Clamp((int)(x + 8.5f), 0, 15);
}
