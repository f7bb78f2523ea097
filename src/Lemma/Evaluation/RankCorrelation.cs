namespace Lemma.Evaluation;

/// <summary>How far two lists of numbers have one order.</summary>
public static class RankCorrelation
{
    /// <summary>Spearman's ρ = Σ (rᵢ − r̄)·(sᵢ − s̄)/√(Σ (rᵢ − r̄)²·Σ (sᵢ − s̄)²) of the ranks r and s, equal numbers with the mean of their ranks.</summary>
    /// <remarks>From −1 to 1; 0 where all numbers of a list are equal, NaN where one is NaN. Spearman 1904.</remarks>
    public static double Spearman(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Require.That(x.Length == y.Length && x.Length > 1, $"spearman: both lists must have as many numbers, at least 2, but they have {x.Length} and {y.Length}");
        (double[] r, double[] s) = (Ranks(x), Ranks(y));
        double mean = (x.Length + 1) / 2.0, product = 0, first = 0, second = 0;
        for (int i = 0; i < r.Length; i++)
        {
            (double a, double b) = (r[i] - mean, s[i] - mean);
            (product, first, second) = (product + a * b, first + a * a, second + b * b);
        }
        return first == 0 || second == 0 ? 0 : product / Math.Sqrt(first * second);
    }

    // From 1 on.
    private static double[] Ranks(ReadOnlySpan<double> x)
    {
        double[] sorted = x.ToArray(), ranks = new double[x.Length];
        int[] places = [.. Enumerable.Range(0, x.Length)];
        Array.Sort(sorted, places);
        for (int first = 0, end; first < sorted.Length; first = end)
        {
            for (end = first + 1; end < sorted.Length && sorted[end] == sorted[first]; end++) { }
            for (int i = first; i < end; i++)
                ranks[places[i]] = double.IsNaN(sorted[i]) ? double.NaN : (first + 1 + end) / 2.0;
        }
        return ranks;
    }
}
