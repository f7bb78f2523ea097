namespace Lemma.Formulas;

/// <summary>A_t = r − β·Σ_{k≥t} (ln π_k − ln π_ref,k) of each token, whitened over all tokens of all answers.</summary>
/// <remarks>
/// r: [answers]; lengths: [answers], their tokens; log_probs (of the policy that wrote them), reference_log_probs, A: [tokens]. Hu 2025, REINFORCE++,
/// without discount.
/// </remarks>
public static class GlobalAdvantage
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "reinforce_plus_plus_advantages",
        Group = "Preference",
        Text = "A_t = white(r − β·Σ_{k≥t} ln(π_k/π_ref,k))",
        Latex = """
            a_t = r - \beta\sum_{k \ge t}\ln\frac{\pi_k}{\pi_{\mathrm{ref},k}}
            A_t = \frac{a_t - \bar a}{\sqrt{s^2 + \varepsilon}}
            """,
        Shapes = "rewards (r), lengths: [answers]; log_probs (ln π), reference_log_probs (ln π_ref), A: [tokens], answer after answer",
        Symbols = "β (beta): price of a nat of divergence; ā, s²: mean and variance (over N − 1) of all tokens; ε (epsilon): 1e−8",
        Source = "Hu 2025, REINFORCE++: an efficient RLHF algorithm with robustness to both prompt and reward models",
        Gradient = "None: advantages are constants of the policy gradient",
        Notes = "One mean and one variance for all prompts, and no critic. The divergence is that of tokens from t on, as in PPO without discount.",
        IsDifferentiable = false,
        Example = "rewards[3] lengths:2,4,3 log_probs[9] reference_log_probs[9] beta=0.1",
        Evaluate = Evaluate,
    };

    /// <summary>A.</summary>
    public static void Forward(ReadOnlySpan<float> rewards, ReadOnlySpan<int> lengths, ReadOnlySpan<float> logs, ReadOnlySpan<float> reference, double beta,
        double epsilon, Span<float> advantages)
    {
        Check.SameLength("reinforce_plus_plus_advantages", rewards.Length, lengths.Length);
        Check.SameLength("reinforce_plus_plus_advantages", logs.Length, reference.Length);
        Check.SameLength("reinforce_plus_plus_advantages", logs.Length, advantages.Length);
        AnswerLengths.Require("reinforce_plus_plus_advantages", lengths, logs.Length);
        double[] wide = new double[advantages.Length];
        for (int answer = 0, end = 0; answer < lengths.Length; answer++)
        {
            end += lengths[answer];
            double along = 0;
            for (int i = end - 1; i >= end - lengths[answer]; i--)
                wide[i] = rewards[answer] - beta * (along += (double)logs[i] - reference[i]);
        }
        WhitenedAdvantage.Forward(wide, epsilon, false, advantages);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call.Input("log_probs", -1), reference = call.Same("reference_log_probs", logs), y = logs.Like();
        Values rewards = call.Input("rewards", call.Input("lengths", -1).Count);
        Forward(rewards, call.Integers("lengths"), logs, reference, call.Number("beta", 0.01), call.Number("epsilon", 1e-8), y);
        return y;
    }
}
