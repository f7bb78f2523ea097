namespace Lemma.Formulas;

/// <summary>p = 0 up to L − C tokens, then (L − C − n)/C, and −1 above L.</summary>
/// <remarks>n: [answers], their tokens; p: [answers], added to the rewards. Yu et al. 2025, DAPO, eq. 13.</remarks>
public static class OverlongPenalty
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "overlong_penalty",
        Group = "Preference",
        Text = "p = max(−1, min(0, (L − C − n)/C))",
        Latex = @"p = \max\left(-1, \min\left(0, \frac{L - C - n}{C}\right)\right)",
        Shapes = "lengths (n), p: any one shape",
        Symbols = "L (longest): the tokens that an answer may have; C (margin), in (0, L]: the last of them, which cost",
        Source = "Yu et al. 2025, DAPO: an open-source LLM reinforcement learning system at scale, eq. 13",
        Gradient = "None: a part of the reward",
        Notes = "A soft end: an answer that was cut off is not punished for its reasoning, and short ones are not told apart.",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "lengths:3,12,14,16,20 longest=16 margin=4",
        Evaluate = Evaluate,
        Plot = new FormulaPlot("lengths", 0, 20, "longest=16 margin=4"),
    };

    /// <summary>p.</summary>
    public static void Forward(ReadOnlySpan<float> lengths, double longest, double margin, Span<float> penalties)
    {
        Check.SameLength("overlong_penalty", lengths.Length, penalties.Length);
        Check.That(margin > 0 && margin <= longest, "overlong_penalty", $"the margin must lie in (0, {longest}], but it is {margin}");
        for (int i = 0; i < lengths.Length; i++)
            penalties[i] = (float)Math.Max(-1, Math.Min(0, (longest - margin - lengths[i]) / margin));
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values lengths = call["lengths"], y = lengths.Like();
        Forward(lengths, call.Number("longest"), call.Number("margin"), y);
        return y;
    }
}
