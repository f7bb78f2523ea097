namespace Lemma.Formulas;

/// <summary>p(w | h) = max(c(h w) − D(c), 0)/c(h) + γ(h)·p(w | h̄).</summary>
/// <remarks>
/// counts c: [contexts, V], all those of one order: of the highest how often, below how many different words stood before; lower p(w | h̄): [contexts, V];
/// p: [contexts, V]. Discounts D₁, D₂ and D₃ for counts of 1, 2 and more: D_r = r − (r + 1)·Y·n_{r+1}/n_r with Y = n₁/(n₁ + 2n₂); one discount Y for all
/// without modified. γ(h) = Σ_w D(c(h w))/c(h). Kneser and Ney 1995; Chen and Goodman 1998.
/// </remarks>
public static class KneserNey
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "kneser_ney",
        Group = "N-grams",
        Text = "p(w | h) = max(c(h w) − D(c), 0)/c(h) + γ(h)·p(w | h̄), γ(h) = Σ_w D(c(h w))/c(h)",
        Latex = @"p(w\mid h) = \frac{\max(c(hw) - D(c(hw)), 0)}{c(h)} + \gamma(h)p(w\mid\bar h)\qquad \gamma(h) = \frac{\sum_w D(c(hw))}{c(h)}",
        Shapes = "counts c: [contexts, V], whole numbers, all those of one order; lower p(w | h̄), p: [contexts, V]",
        Symbols = "D_r = r − (r + 1)·Y·n_{r+1}/n_r for r = 1, 2 and 3 or more, Y = n₁/(n₁ + 2n₂), n_r: how many counts are r; modified=false: D = Y for all",
        Source = "Kneser and Ney 1995, Improved backing-off for m-gram language modeling; Chen and Goodman 1998, section 3, eq. 26",
        Gradient = "None: counts are whole numbers",
        Notes = "Below the highest order a count is the number of different words before: 'Francisco' is frequent, but follows one word. Where counts of counts "
            + "give no discounts in (0, r], 1/2, 1 and 3/2 stand there, as KenLM's --discount_fallback has it.",
        IsDifferentiable = false,
        Example = "counts[6,9]%5 lower[6,9]p",
        Evaluate = Evaluate,
    };

    /// <summary>D₁, D₂ and D₃ from n₁ … n₄; ½, 1 and 1½ where one does not lie in (0, r].</summary>
    /// <param name="countsOfCounts">n₁ … n₄.</param>
    /// <param name="modified">Three discounts; else one, ½ where there is none in (0, 1].</param>
    public static double[] Discounts(ReadOnlySpan<long> countsOfCounts, bool modified)
    {
        Check.That(countsOfCounts.Length >= 4, "kneser_ney", $"four counts of counts are needed, but there are {countsOfCounts.Length}");
        double y = countsOfCounts[0] / (countsOfCounts[0] + 2.0 * countsOfCounts[1]);
        if (!modified)
            return y > 0 ? [y, y, y] : [0.5, 0.5, 0.5];
        double[] discounts = new double[3];
        bool good = true;
        for (int r = 1; r <= 3; r++)
        {
            discounts[r - 1] = r - (r + 1) * y * countsOfCounts[r] / countsOfCounts[r - 1];
            good &= discounts[r - 1] > 0 && discounts[r - 1] <= r;
        }
        return good ? discounts : [0.5, 1, 1.5];
    }

    /// <summary>D of a count; 0 of none.</summary>
    public static double Of(ReadOnlySpan<double> discounts, double count) => count < 1 ? 0 : discounts[(int)Math.Min(count, 3) - 1];

    /// <summary>p.</summary>
    public static void Forward(ReadOnlySpan<float> counts, ReadOnlySpan<float> lower, int width, bool modified, Span<float> p)
    {
        CountTable.Check("kneser_ney", counts, width);
        Check.SameLength("kneser_ney", counts.Length, lower.Length);
        Check.SameLength("kneser_ney", counts.Length, p.Length);
        Check.Distributions("kneser_ney", "lower", lower, width);
        double[] discounts = Discounts(CountTable.CountsOfCounts(counts, 4), modified);
        for (int at = 0; at < counts.Length; at += width)
        {
            (double sum, double left) = (0, 0);
            for (int i = at; i < at + width; i++)
                (sum, left) = (sum + counts[i], left + Of(discounts, counts[i]));
            for (int i = at; i < at + width; i++)
                p[i] = sum == 0 ? lower[i] : (float)((counts[i] - Of(discounts, counts[i]) + left * lower[i]) / sum);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values counts = call.Input("counts", -1, -1), lower = call.Same("lower", counts), p = counts.Like();
        Forward(counts, lower, counts.Columns, call.Flag("modified", true), p);
        return p;
    }
}
