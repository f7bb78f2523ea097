using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>Sums over the numbers of a part of a block, eight lanes wide whatever the processor, added in one order: the same bits everywhere.</summary>
internal static class BlockSums
{
    /// <summary>The sum of the lanes, neighbours first.</summary>
    public static float OfLanes(Vector256<float> lanes) =>
        (lanes[0] + lanes[1] + (lanes[2] + lanes[3])) + (lanes[4] + lanes[5] + (lanes[6] + lanes[7]));

    /// <summary>Σ x².</summary>
    public static float OfSquares(ReadOnlySpan<float> x)
    {
        Vector256<float> sum = default;
        for (int i = 0; i < x.Length; i += 8)
            sum += Vector256.Create(x[i..]) * Vector256.Create(x[i..]);
        return OfLanes(sum);
    }

    /// <summary>The nearest whole numbers, ties to even, within bounds.</summary>
    public static Vector256<float> Whole(Vector256<float> x, float least, float most) =>
        Vector256.Min(Vector256.Max(Vector256.Round(x), Vector256.Create(least)), Vector256.Create(most));
}
