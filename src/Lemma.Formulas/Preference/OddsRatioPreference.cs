namespace Lemma.Formulas;

/// <summary>L = E[−a_w − λ·ln σ(ln(o_w/o_l))], o = e^a/(1 − e^a).</summary>
/// <remarks>
/// policy_chosen (a_w), policy_rejected (a_l): [pairs] of mean ln π a token, below 0; L: []. λ: weight of the odds ratio; logs in nats; a ≥
/// 0 or NaN is an error. Hong, Lee and Thorne 2024, ORPO, eq. 6 and 7.
/// </remarks>
public static class OddsRatioPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "orpo",
        Group = "Preference",
        Text = "L = E[−a_w − λ·ln σ(ln(o_w/o_l))], o = e^a/(1 − e^a)",
        Shapes = "policy_chosen (a_w), policy_rejected (a_l): [pairs] of mean ln π a token, below 0; L: []",
        Symbols = "λ: weight of the odds ratio; logs in nats; a ≥ 0 or NaN is an error",
        Source = "Hong, Lee and Thorne 2024, ORPO, eq. 6 and 7",
        Gradient = "da_w += (−1 − λ·σ(−h)/(1 − e^a_w))/N·dL, da_l += λ·σ(−h)/(1 − e^a_l)/N·dL, h = ln(o_w/o_l)",
        Notes = "Supervised loss and preference in one; no reference model.",
        Example = "policy_chosen:-0.5,-1,-2,-0.1 policy_rejected:-1,-0.7,-3,-2 lambda_=0.3",
        Evaluate = Evaluate,
    };

    /// <summary>L = E[−a_w − λ·ln σ(ln(o_w/o_l))], o = e^a/(1 − e^a).</summary>
    public static double Forward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, double weight)
    {
        Check.SameLength("orpo", chosen.Length, rejected.Length);
        CheckLogs("policy_chosen", chosen);
        CheckLogs("policy_rejected", rejected);
        double sum = 0;
        for (int i = 0; i < chosen.Length; i++)
        {
            double odds = chosen[i] - Stable.LogOneMinusExp(chosen[i]) - (rejected[i] - Stable.LogOneMinusExp(rejected[i]));
            sum += -chosen[i] - weight * Stable.LogSigmoid(odds);
        }
        return chosen.IsEmpty ? 0 : sum / chosen.Length;
    }

    /// <summary>
    /// da_w += (−1 − λ·σ(−h)/(1 − e^a_w))/N·dL, da_l += λ·σ(−h)/(1 − e^a_l)/N·dL, h = ln(o_w/o_l); <paramref name="dy"/> is the gradient of
    /// the mean.
    /// </summary>
    public static void Backward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, double weight, double dy, Span<float> dchosen,
        Span<float> drejected)
    {
        Check.SameLength("orpo", chosen.Length, rejected.Length);
        CheckLogs("policy_chosen", chosen);
        CheckLogs("policy_rejected", rejected);
        double scale = dy / chosen.Length;
        for (int i = 0; i < chosen.Length; i++)
        {
            double odds = chosen[i] - Stable.LogOneMinusExp(chosen[i]) - (rejected[i] - Stable.LogOneMinusExp(rejected[i]));
            double slope = scale * weight * Stable.Sigmoid(-odds);
            dchosen[i] += (float)(-scale - slope / -Stable.ExpMinusOne(chosen[i]));
            drejected[i] += (float)(slope / -Stable.ExpMinusOne(rejected[i]));
        }
    }

    private static void CheckLogs(string name, ReadOnlySpan<float> logs)
    {
        for (int i = 0; i < logs.Length; i++)
            Check.That(logs[i] < 0, "orpo", $"{name} must hold logs of probabilities below 1, but element {i} is {logs[i]}");
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values chosen = call["policy_chosen"], rejected = call.Same("policy_rejected", chosen);
        double weight = call.Number("lambda_", 0.1);
        Values y = Values.Scalar(Forward(chosen, rejected, weight));
        if (call.Backward(y, out float[]? dy))
            Backward(chosen, rejected, weight, dy[0], call.Gradient("policy_chosen"), call.Gradient("policy_rejected"));
        return y;
    }
}
