using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>The scale s and the minimum m, neither below 0, for which x ≈ s·q − m, q whole in 0 to n, errs least: Σ w·(x − s·q + m)².</summary>
/// <remarks>
/// Some scales around that of the range give the whole numbers; of each of these s and m follow as the solution of two linear equations, m at
/// least 0, and the pair that errs least is taken.
/// </remarks>
internal static class AffineSearch
{
    // Twenty-one trials a tenth of a level apart.
    private const int Trials = 10;

    /// <summary>The best pair.</summary>
    /// <param name="x">A multiple of eight numbers.</param>
    /// <param name="weights">As many.</param>
    /// <param name="levels">n.</param>
    public static (float Scale, float Minimum) Find(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, int levels)
    {
        float least = 0, most = float.NegativeInfinity;
        Vector256<float> allWeights = default, allNumbers = default;
        for (int i = 0; i < x.Length; i++)
            (least, most) = (Math.Min(least, x[i]), Math.Max(most, x[i]));
        for (int i = 0; i < x.Length; i += 8)
        {
            allWeights += Vector256.Create(weights[i..]);
            allNumbers += Vector256.Create(weights[i..]) * Vector256.Create(x[i..]);
        }
        float range = most - least;
        if (!(range > 0) || !float.IsFinite(levels / range))
            return (0, -least);
        float w = BlockSums.OfLanes(allWeights), wx = BlockSums.OfLanes(allNumbers);
        float scale = range / levels, minimum = -least, error = Error(x, weights, scale, minimum, levels);
        for (int trial = -Trials; trial <= Trials; trial++)
        {
            (float wq, float wqq, float wxq) = Sums(x, weights, (levels + 0.1f * trial) / range, least, levels);
            float determinant = w * wqq - wq * wq;
            if (!(determinant > 0))
                continue;
            float s = (w * wxq - wx * wq) / determinant, m = (wq * wxq - wqq * wx) / determinant;
            if (m < 0)
                (s, m) = (wxq / wqq, 0);
            if (!(s > 0) || !float.IsFinite(s) || !float.IsFinite(m))
                continue;
            float found = Error(x, weights, s, m, levels);
            if (found < error)
                (scale, minimum, error) = (s, m, found);
        }
        return (scale, minimum);
    }

    /// <summary>Σ w·(x − s·q + m)² where each q is the best for s and m.</summary>
    public static float Error(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, float scale, float minimum, int levels)
    {
        Vector256<float> s = Vector256.Create(scale), m = Vector256.Create(minimum), inverse = Vector256.Create(InverseOf(scale)), sum = default;
        for (int i = 0; i < x.Length; i += 8)
        {
            Vector256<float> number = Vector256.Create(x[i..]), off = number - (s * BlockSums.Whole((number + m) * inverse, 0, levels) - m);
            sum += Vector256.Create(weights[i..]) * off * off;
        }
        return BlockSums.OfLanes(sum);
    }

    /// <summary>The q of each number.</summary>
    public static void Levels(ReadOnlySpan<float> x, float scale, float minimum, int levels, Span<byte> q)
    {
        Vector256<float> m = Vector256.Create(minimum), inverse = Vector256.Create(InverseOf(scale));
        for (int i = 0; i < x.Length; i += 8)
        {
            Vector256<float> whole = BlockSums.Whole((Vector256.Create(x[i..]) + m) * inverse, 0, levels);
            for (int lane = 0; lane < 8; lane++)
                q[i + lane] = (byte)whole[lane];
        }
    }

    private static float InverseOf(float scale) => scale > 0 && float.IsFinite(1 / scale) ? 1 / scale : 0;

    private static (float Q, float QQ, float XQ) Sums(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, float inverse, float least, int levels)
    {
        Vector256<float> turn = Vector256.Create(inverse), shift = Vector256.Create(least), sum = default, squares = default, products = default;
        for (int i = 0; i < x.Length; i += 8)
        {
            Vector256<float> number = Vector256.Create(x[i..]), q = BlockSums.Whole((number - shift) * turn, 0, levels), weighted
                = Vector256.Create(weights[i..]) * q;
            sum += weighted;
            squares += weighted * q;
            products += weighted * number;
        }
        return (BlockSums.OfLanes(sum), BlockSums.OfLanes(squares), BlockSums.OfLanes(products));
    }
}
