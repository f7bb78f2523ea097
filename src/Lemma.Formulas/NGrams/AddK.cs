namespace Lemma.Formulas;

/// <summary>p(w | h) = (c(h w) + k)/(c(h) + k·V).</summary>
/// <remarks>
/// counts c: [contexts, V], whole numbers; p: [contexts, V]; k above 0; c(h) = Σ_w c(h w). A context that was never seen gives 1/V. Lidstone 1920; k = 1 is
/// Laplace's rule.
/// </remarks>
public static class AddK
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "add_k",
        Group = "N-grams",
        Text = "p(w | h) = (c(h w) + k)/(c(h) + k·V)",
        Latex = @"p(w\mid h) = \frac{c(hw) + k}{c(h) + kV}",
        Shapes = "counts c: [contexts, V], whole numbers; p: [contexts, V]",
        Symbols = "k: what is added to every count, above 0, 1 without one; c(h) = Σ_w c(h w)",
        Source = "Lidstone 1920, Note on the general case of the Bayes-Laplace formula; Chen and Goodman 1998, section 2.1",
        Gradient = "None: counts are whole numbers",
        Notes = "With a large vocabulary most of the mass goes to what was never seen.",
        IsDifferentiable = false,
        Example = "counts[4,9]%5 k=0.5",
        Evaluate = Evaluate,
    };

    /// <summary>p.</summary>
    public static void Forward(ReadOnlySpan<float> counts, int width, double k, Span<float> p)
    {
        CountTable.Check("add_k", counts, width);
        Check.SameLength("add_k", counts.Length, p.Length);
        Check.That(k > 0 && double.IsFinite(k), "add_k", $"k must be above 0, but it is {k}");
        for (int at = 0; at < counts.Length; at += width)
        {
            double sum = k * width;
            for (int i = at; i < at + width; i++)
                sum += counts[i];
            for (int i = at; i < at + width; i++)
                p[i] = (float)((counts[i] + k) / sum);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values counts = call.Input("counts", -1, -1), p = counts.Like();
        Forward(counts, counts.Columns, call.Number("k", 1), p);
        return p;
    }
}
