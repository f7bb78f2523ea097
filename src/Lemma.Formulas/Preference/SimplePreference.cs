namespace Lemma.Formulas;

/// <summary>L = −E[ln σ(β·(a_w − a_l) − γ)].</summary>
/// <remarks>
/// policy_chosen (a_w), policy_rejected (a_l): [pairs] of mean ln π a token; L: []. β: scale of the reward, γ: margin; logs in nats. Meng,
/// Xia and Chen 2024, SimPO, eq. 6.
/// </remarks>
public static class SimplePreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "simpo",
        Group = "Preference",
        Text = "L = −E[ln σ(β·(a_w − a_l) − γ)]",
        Latex = @"L = -\mathbb{E}\left[\ln\sigma\left(\beta(a_w - a_l) - \gamma\right)\right]",
        Shapes = "policy_chosen (a_w), policy_rejected (a_l): [pairs] of mean ln π a token; L: []",
        Symbols = "β: scale of the reward, γ: margin; logs in nats",
        Source = "Meng, Xia and Chen 2024, SimPO, eq. 6",
        Gradient = "dm = β·(σ(βm − γ) − 1)/N·dL, m = a_w − a_l",
        Notes = "No reference model; the reward is the mean log probability a token.",
        Example = "policy_chosen[9] policy_rejected[9] beta=2 gamma=0.5",
        Evaluate = Evaluate,
    };

    /// <summary>L = −E[ln σ(β·(a_w − a_l) − γ)].</summary>
    public static double Forward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, double beta, double gamma)
    {
        Check.SameLength("simpo", chosen.Length, rejected.Length);
        return chosen.IsEmpty ? 0 : Margins.Sum(new LogSigmoidTerm(beta, gamma, 0), chosen, rejected) / chosen.Length;
    }

    /// <summary>dm = β·(σ(βm − γ) − 1)/N·dL, m = a_w − a_l; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, double beta, double gamma, double dy,
        Span<float> dchosen, Span<float> drejected)
    {
        Check.SameLength("simpo", chosen.Length, rejected.Length);
        Check.SameLength("simpo", chosen.Length, dchosen.Length);
        Check.SameLength("simpo", chosen.Length, drejected.Length);
        Margins.AddSlopes(new LogSigmoidTerm(beta, gamma, 0), chosen, rejected, dy * beta / chosen.Length, dchosen, drejected);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values chosen = call["policy_chosen"], rejected = call.Same("policy_rejected", chosen);
        double beta = call.Number("beta", 2);
        double gamma = call.Number("gamma", 1);
        Values y = Values.Scalar(Forward(chosen, rejected, beta, gamma));
        if (call.Backward(y, out float[]? dy))
            Backward(chosen, rejected, beta, gamma, dy[0], call.Gradient("policy_chosen"), call.Gradient("policy_rejected"));
        return y;
    }
}
