namespace Lemma.Formulas;

/// <summary>L = −E[ln σ(r_w − r_l)].</summary>
/// <remarks>
/// chosen (r_w), rejected (r_l): [pairs]; L: []. r: rewards, without unit; L in nats. Bradley and Terry 1952; Ouyang et al. 2022, eq. 1.
/// </remarks>
public static class RewardPairwise
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "reward_pairwise",
        Group = "Preference",
        Text = "L = −E[ln σ(r_w − r_l)]",
        Latex = @"L = -\mathbb{E}\left[\ln\sigma(r_w - r_l)\right]",
        Shapes = "chosen (r_w), rejected (r_l): [pairs]; L: []",
        Symbols = "r: rewards, without unit; L in nats",
        Source = "Bradley and Terry 1952; Ouyang et al. 2022, eq. 1",
        Gradient = "dr_w += (σ(r_w − r_l) − 1)/N·dL, dr_l −= the same",
        Notes = "Rewards are known up to a constant only.",
        Example = "chosen[9] rejected[9]",
        Evaluate = Evaluate,
    };

    /// <summary>L = −E[ln σ(r_w − r_l)].</summary>
    public static double Forward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected)
    {
        Check.SameLength("reward_pairwise", chosen.Length, rejected.Length);
        return chosen.IsEmpty ? 0 : Margins.Sum(new LogSigmoidTerm(1, 0, 0), chosen, rejected) / chosen.Length;
    }

    /// <summary>dr_w += (σ(r_w − r_l) − 1)/N·dL, dr_l −= the same; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, double dy, Span<float> dchosen,
        Span<float> drejected)
    {
        Check.SameLength("reward_pairwise", chosen.Length, rejected.Length);
        Check.SameLength("reward_pairwise", chosen.Length, dchosen.Length);
        Check.SameLength("reward_pairwise", chosen.Length, drejected.Length);
        Margins.AddSlopes(new LogSigmoidTerm(1, 0, 0), chosen, rejected, dy / chosen.Length, dchosen, drejected);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values chosen = call["chosen"], rejected = call.Same("rejected", chosen);
        Values y = Values.Scalar(Forward(chosen, rejected));
        if (call.Backward(y, out float[]? dy))
            Backward(chosen, rejected, dy[0], call.Gradient("chosen"), call.Gradient("rejected"));
        return y;
    }
}
