namespace Lemma.Formulas;

/// <summary>p(w | h) = d_c·c(h w)/c(h) where c(h w) > 0, α(h)·p(w | h̄) elsewhere.</summary>
/// <remarks>
/// counts c: [contexts, V], all those of one order; lower p(w | h̄): [contexts, V], by the context without its first word; p: [contexts, V]. Good and Turing's
/// discounts d_r = (r*/r − A)/(1 − A) for r up to a threshold k, 1 above, with r* = (r + 1)·n_{r+1}/n_r and A = (k + 1)·n_{k+1}/n₁, n_r the number of
/// counts r in the table; α(h) makes the sum 1. Katz 1987.
/// </remarks>
public static class KatzBackoff
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "katz_backoff",
        Group = "N-grams",
        Text = "p(w | h) = d_c·c(h w)/c(h) where c(h w) > 0, α(h)·p(w | h̄) elsewhere",
        Latex = @"p(w\mid h) = \begin{cases} d_{c(hw)}\frac{c(hw)}{c(h)} & c(hw) \gt 0\cr \alpha(h)p(w\mid\bar h) & c(hw) = 0\end{cases}",
        Shapes = "counts c: [contexts, V], whole numbers, all those of one order; lower p(w | h̄), p: [contexts, V]",
        Symbols = "d_r = (r*/r − A)/(1 − A) up to r = k, 1 above; r* = (r + 1)·n_{r+1}/n_r, A = (k + 1)·n_{k+1}/n₁; n_r: how many counts are r; "
            + "k: threshold, 5 without one",
        Source = "Katz 1987, Estimation of probabilities from sparse data; Good 1953",
        Gradient = "None: counts are whole numbers",
        Notes = "Where counts of counts give no discount in (0, 1], the threshold is lowered until they do; a context that this leaves no mass counts one more.",
        IsDifferentiable = false,
        Example = "counts[6,9]%4 lower[6,9]p threshold=2",
        Evaluate = Evaluate,
    };

    /// <summary>d₁ … d_k, with the largest k up to the threshold whose discounts all lie in (0, 1]; none where there is no such k.</summary>
    /// <param name="countsOfCounts">n₁, n₂, … up to n_{threshold + 1}; what is missing is 0.</param>
    /// <param name="threshold">The largest count that is discounted, at least 1.</param>
    public static double[] Discounts(ReadOnlySpan<long> countsOfCounts, int threshold)
    {
        Check.That(threshold > 0, "katz_backoff", $"the threshold must be at least 1, but it is {threshold}");
        for (int k = Math.Min(threshold, countsOfCounts.Length - 1); k > 0; k--)
        {
            double[] discounts = new double[k];
            double a = (k + 1.0) * countsOfCounts[k] / countsOfCounts[0];
            for (int r = 1; r <= k; r++)
                discounts[r - 1] = ((r + 1.0) * countsOfCounts[r] / ((double)r * countsOfCounts[r - 1]) - a) / (1 - a);
            if (Array.TrueForAll(discounts, static d => d is > 0 and <= 1))
                return discounts;
        }
        return [];
    }

    /// <summary>p.</summary>
    public static void Forward(ReadOnlySpan<float> counts, ReadOnlySpan<float> lower, int width, int threshold, Span<float> p)
    {
        CountTable.Check("katz_backoff", counts, width);
        Check.SameLength("katz_backoff", counts.Length, lower.Length);
        Check.SameLength("katz_backoff", counts.Length, p.Length);
        Check.Distributions("katz_backoff", "lower", lower, width);
        // Every count up to the threshold must occur, so it is at most the number of them.
        Check.That(threshold > 0, "katz_backoff", $"the threshold must be at least 1, but it is {threshold}");
        double[] discounts = Discounts(CountTable.CountsOfCounts(counts, Math.Min(threshold, counts.Length) + 1), threshold);
        for (int at = 0; at < counts.Length; at += width)
            Row(counts.Slice(at, width), lower.Slice(at, width), discounts, p.Slice(at, width));
    }

    private static void Row(ReadOnlySpan<float> counts, ReadOnlySpan<float> lower, double[] discounts, Span<float> p)
    {
        (double sum, double left, double unseen) = (0, 0, 0);
        bool isFull = true;
        for (int i = 0; i < counts.Length; i++)
        {
            double count = counts[i];
            sum += count;
            left += count * (1 - Of(discounts, count));
            unseen += count == 0 ? lower[i] : 0;
            isFull &= count > 0;
        }
        if (sum == 0)
        {
            lower.CopyTo(p);
            return;
        }
        (double whole, double rest) = Mass(sum, left, isFull);
        for (int i = 0; i < counts.Length; i++)
            p[i] = (float)(counts[i] > 0 ? Of(discounts, counts[i]) * counts[i] / whole : rest / whole / unseen * lower[i]);
    }

    /// <summary>The divisor of a context's discounted counts, and what of it is left for words that never followed.</summary>
    /// <param name="sum">c(h).</param>
    /// <param name="left">Σ (1 − d_c)·c(h w).</param>
    /// <param name="isFull">Whether every word followed.</param>
    public static (double Whole, double Left) Mass(double sum, double left, bool isFull) => isFull ? (sum - left, 0) : left > 0 ? (sum, left) : (sum + 1, 1);

    /// <summary>The discount of a count above 0.</summary>
    public static double Of(ReadOnlySpan<double> discounts, double count) => count >= 1 && count <= discounts.Length ? discounts[(int)count - 1] : 1;

    private static Values Evaluate(FormulaCall call)
    {
        Values counts = call.Input("counts", -1, -1), lower = call.Same("lower", counts), p = counts.Like();
        Forward(counts, lower, counts.Columns, call.Whole("threshold", 5), p);
        return p;
    }
}
