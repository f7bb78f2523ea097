using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>The scale s for which x ≈ s·q, q whole in −n to n − 1, errs least: Σ w·(x − s·q)².</summary>
/// <remarks>
/// Some scales around that of the furthest number give the whole numbers; of each of these the best scale follows, s = Σ w·x·q ∕ Σ w·q², and the
/// one that errs least is taken.
/// </remarks>
internal static class SymmetricSearch
{
    // Nineteen trials a tenth of a level apart.
    private const int Trials = 9;
    private const float Nothing = 1e-15f;

    /// <summary>The first number of the largest magnitude.</summary>
    public static float Furthest(ReadOnlySpan<float> x)
    {
        float furthest = 0;
        foreach (float number in x)
        {
            if (Math.Abs(number) > Math.Abs(furthest))
                furthest = number;
        }
        return furthest;
    }

    /// <summary>What errors count where columns have an importance: more where the number is large, importance·√(mean of squares + x²).</summary>
    public static ReadOnlySpan<float> Weights(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, Span<float> weights)
    {
        float mean = BlockSums.OfSquares(x) / x.Length;
        for (int i = 0; i < x.Length; i++)
            weights[i] = importance[i] * MathF.Sqrt(mean + x[i] * x[i]);
        return weights;
    }

    /// <summary>The best scale.</summary>
    /// <param name="x">A multiple of eight numbers.</param>
    /// <param name="weights">As many.</param>
    /// <param name="levels">n.</param>
    public static float Scale(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, int levels)
    {
        float furthest = Furthest(x);
        if (Math.Abs(furthest) < Nothing)
            return 0;
        float scale = -furthest / levels, explained = 0;
        for (int trial = -Trials; trial <= Trials; trial++)
        {
            Vector256<float> inverse = Vector256.Create(-(levels + 0.1f * trial) / furthest), xq = default, qq = default;
            for (int i = 0; i < x.Length; i += 8)
            {
                Vector256<float> number = Vector256.Create(x[i..]), q = BlockSums.Whole(number * inverse, -levels, levels - 1), weighted
                    = Vector256.Create(weights[i..]) * q;
                xq += weighted * number;
                qq += weighted * q;
            }
            float product = BlockSums.OfLanes(xq), squares = BlockSums.OfLanes(qq);
            if (squares > 0 && product * product > explained * squares)
                (scale, explained) = (product / squares, product / squares * product);
        }
        return scale;
    }
}
