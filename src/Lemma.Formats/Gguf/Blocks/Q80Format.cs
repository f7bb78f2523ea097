using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>Q8_0: x = d·q, q whole in −127 to 127, 32 of them a block.</summary>
/// <remarks><code>
/// byte  0   2                34
///       │ d │ q₀ … q₃₁       │        d a half, q signed bytes
/// </code></remarks>
internal sealed class Q80Format() : BlockFormat("Q8_0", 32, 34, new(8, 32, Offset: 128))
{
    public override bool IsWritten => true;

    private protected override void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to)
    {
        to.Scales[0] = Bits(block);
        (Vector256.Create(block.Slice(2, 32)) ^ Vector256.Create((byte)128)).CopyTo(to.Numbers);
    }

    // The largest magnitude becomes 127. Importance changes nothing: the scale is that of the largest number.
    private protected override void QuantizeBlock(ReadOnlySpan<float> x, Span<byte> block, ReadOnlySpan<float> importance)
    {
        float largest = 0;
        foreach (float number in x)
            largest = Math.Max(largest, Math.Abs(number));
        float d = largest / 127, inverse = d == 0 ? 0 : 1 / d;
        WriteHalf(block, d);
        for (int i = 0; i < x.Length; i++)
            block[2 + i] = (byte)(sbyte)MathF.Round(x[i] * inverse, MidpointRounding.AwayFromZero);
    }
}
