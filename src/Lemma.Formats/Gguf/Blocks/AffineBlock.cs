namespace Lemma.Formats;

/// <summary>What Q4_K and Q5_K write of 256 numbers: x ≈ (d·s)·q − e·m, with s and m of 6 bits for each 32 numbers.</summary>
/// <remarks>
/// Each part's best scale and minimum are searched alone (<see cref="AffineSearch"/>); the largest of them give d and e. Then s and m are chosen for
/// each part among the nearest whole numbers by the error that they make, d and e follow from the choice as the solution of two linear equations,
/// and the choice is made again while the error falls.
/// </remarks>
internal static class AffineBlock
{
    private const int Parts = 8, Width = 32, Most = 63, Turns = 2;

    /// <summary>Chooses everything.</summary>
    /// <param name="x">256 numbers.</param>
    /// <param name="importance">How much each column's error counts, or none.</param>
    /// <param name="levels">The largest q.</param>
    /// <param name="q">Each number's q.</param>
    /// <param name="place">The packed s and m.</param>
    /// <param name="d">The scale of scales.</param>
    /// <param name="e">The scale of minima.</param>
    public static void Choose(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, int levels, Span<byte> q, Span<byte> place, out Half d, out Half e)
    {
        Span<float> weights = stackalloc float[Parts * Width], scales = stackalloc float[Parts], minima = stackalloc float[Parts];
        Weigh(x, importance, weights);
        float mostScale = 0, mostMinimum = 0;
        for (int part = 0; part < Parts; part++)
        {
            (scales[part], minima[part]) = AffineSearch.Find(Part(x, part), Part(weights, part), levels);
            (mostScale, mostMinimum) = (Math.Max(mostScale, scales[part]), Math.Max(mostMinimum, minima[part]));
        }
        Span<int> s = stackalloc int[Parts], m = stackalloc int[Parts], otherS = stackalloc int[Parts], otherM = stackalloc int[Parts];
        (d, e) = ((Half)(mostScale / Most), (Half)(mostMinimum / Most));
        float error = Fit(x, weights, scales, minima, levels, (float)d, (float)e, s, m);
        for (int turn = 0; turn < Turns; turn++)
        {
            (Half otherD, Half otherE) = Solve(x, weights, levels, (float)d, (float)e, s, m, q);
            if (!(otherD >= Half.Zero && otherE >= Half.Zero && Half.IsFinite(otherD) && Half.IsFinite(otherE)))
                break;
            float other = Fit(x, weights, scales, minima, levels, (float)otherD, (float)otherE, otherS, otherM);
            if (!(other < error))
                break;
            (d, e, error) = (otherD, otherE, other);
            otherS.CopyTo(s);
            otherM.CopyTo(m);
        }
        for (int part = 0; part < Parts; part++)
            AffineSearch.Levels(Part(x, part), (float)d * s[part], (float)e * m[part], levels, q.Slice(part * Width, Width));
        KScales.Write(place, s, m);
    }

    // A large number's error counts more; with importance as llama.cpp weighs it, without by the deviation of the part.
    private static void Weigh(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, Span<float> weights)
    {
        float all = 2 * BlockSums.OfSquares(x) / x.Length;
        for (int part = 0; part < Parts; part++)
        {
            float deviation = MathF.Sqrt(BlockSums.OfSquares(Part(x, part)) / Width);
            for (int i = part * Width; i < (part + 1) * Width; i++)
                weights[i] = importance.Length == 0 ? deviation + Math.Abs(x[i]) : importance[i] * MathF.Sqrt(all + x[i] * x[i]);
        }
    }

    // The s and m of each part that err least for d and e, among those next to the best without rounding; and the sum of errors.
    private static float Fit(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> scales, ReadOnlySpan<float> minima, int levels,
        float d, float e, Span<int> s, Span<int> m)
    {
        float sum = 0;
        for (int part = 0; part < Parts; part++)
        {
            int nearS = Near(scales[part], d), nearM = Near(minima[part], e);
            float least = float.PositiveInfinity;
            (s[part], m[part]) = (nearS, nearM);
            for (int oneS = Math.Max(0, nearS - 1); oneS <= Math.Min(Most, nearS + 1); oneS++)
            {
                for (int oneM = Math.Max(0, nearM - 1); oneM <= Math.Min(Most, nearM + 1); oneM++)
                {
                    float error = AffineSearch.Error(Part(x, part), Part(weights, part), d * oneS, e * oneM, levels);
                    if (error < least)
                        (s[part], m[part], least) = (oneS, oneM, error);
                }
            }
            sum += least;
        }
        return sum;
    }

    private static int Near(float value, float unit) => unit > 0 ? (int)Math.Min(Most, MathF.Round(value / unit)) : 0;

    // d and e that make Σ w·(x − d·(s·q) + e·m)² least for given s, m and q.
    private static (Half D, Half E) Solve(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, int levels, float d, float e, ReadOnlySpan<int> s,
        ReadOnlySpan<int> m, Span<byte> q)
    {
        double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
        for (int part = 0; part < Parts; part++)
        {
            AffineSearch.Levels(Part(x, part), d * s[part], e * m[part], levels, q.Slice(part * Width, Width));
            for (int i = part * Width; i < (part + 1) * Width; i++)
            {
                double a = s[part] * q[i], b = m[part], w = weights[i];
                aa += w * a * a;
                ab += w * a * b;
                bb += w * b * b;
                ax += w * a * x[i];
                bx += w * b * x[i];
            }
        }
        if (bb == 0)
            return ((Half)(ax / aa), (Half)e);
        double determinant = aa * bb - ab * ab;
        return ((Half)((ax * bb - bx * ab) / determinant), (Half)((ax * ab - bx * aa) / determinant));
    }

    private static ReadOnlySpan<float> Part(ReadOnlySpan<float> all, int part) => all.Slice(part * Width, Width);
}
