namespace Lemma.Formulas;

/// <summary>L = −E[(1 − ε)·ln σ(β·m) + ε·ln σ(−β·m)], m = f'(u_w) − f'(u_l), u = π/π_ref.</summary>
/// <remarks>
/// DPO under another divergence from the reference than the reverse one, whose f' is ln u. Wang et al. 2023, f-DPO, theorem 1 and table 2.
/// </remarks>
public static class DivergencePreference
{
    private static readonly string[] Names = ["reverse_kl", "forward_kl", "jensen_shannon", "alpha"];

    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "f_dpo",
        Group = "Preference",
        Text = "L = −E[(1 − ε)·ln σ(β·m) + ε·ln σ(−β·m)], m = f'(u_w) − f'(u_l), u = π/π_ref",
        Latex = """
            L = -\mathbb{E}\left[(1 - \varepsilon)\ln\sigma(\beta m) + \varepsilon\ln\sigma(-\beta m)\right]
            m = g(u_w) - g(u_l)\qquad u = \frac{\pi}{\pi_\mathrm{ref}}\qquad g = \frac{df}{du}
            g(u) = \ln u,\quad -\frac{1}{u},\quad \ln\frac{2u}{1 + u},\quad \frac{1 - u^{-\alpha}}{\alpha}
            """,
        Shapes = AnswerPairs.Shapes,
        Symbols = "f (divergence): reverse_kl, forward_kl, jensen_shannon or alpha, whose f' stand in this order; α (alpha) above 0, 1 being the forward "
            + "divergence; β above 0; ε: label smoothing",
        Source = "Wang et al. 2023, Beyond reverse KL: generalizing direct preference optimization with diverse divergence constraints, theorem 1 and table 2",
        Gradient = "dm = β·((1 − ε)·(σ(βm) − 1) + ε·σ(βm))/N·dL; d ln π_w += u·f''(u)·dm at u_w, d ln π_l −= the same at u_l, "
            + "and the reverse for the reference",
        Notes = "Constants of f' cancel. 1/u and u^−α of a whole answer grow fast where the policy has left it; the other two do not.",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] divergence=alpha alpha=0.5 beta=0.3 label_smoothing=0.1",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, string divergence, double alpha, double beta, double smoothing)
    {
        CheckInput(divergence, alpha, beta, smoothing);
        double sum = 0;
        for (int i = 0; i < pairs.Count; i++)
        {
            double x = beta * (Slope(divergence, alpha, Ratio(pairs.Chosen, pairs.ReferenceChosen, i))
                - Slope(divergence, alpha, Ratio(pairs.Rejected, pairs.ReferenceRejected, i)));
            // 0·∞ would be NaN.
            sum += (1 - smoothing) * Stable.Softplus(-x) + (smoothing == 0 ? 0 : smoothing * Stable.Softplus(x));
        }
        return pairs.Count == 0 ? 0 : sum / pairs.Count;
    }

    /// <summary>dm = β·((1 − ε)·(σ(βm) − 1) + ε·σ(βm))/N·dL, and of each log its share; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(in AnswerPairs pairs, string divergence, double alpha, double beta, double smoothing, double dy,
        in AnswerPairGradients gradients)
    {
        CheckInput(divergence, alpha, beta, smoothing);
        Check.SameLength("f_dpo", pairs.Count, gradients.Chosen.Length);
        for (int i = 0; i < pairs.Count; i++)
        {
            double w = Ratio(pairs.Chosen, pairs.ReferenceChosen, i), l = Ratio(pairs.Rejected, pairs.ReferenceRejected, i);
            double x = beta * (Slope(divergence, alpha, w) - Slope(divergence, alpha, l));
            double dm = beta * (smoothing * Stable.Sigmoid(x) - (1 - smoothing) * Stable.Sigmoid(-x)) / pairs.Count * dy;
            float ofChosen = (float)(dm * Bend(divergence, alpha, w)), ofRejected = (float)(dm * Bend(divergence, alpha, l));
            gradients.Chosen[i] += ofChosen;
            gradients.Rejected[i] -= ofRejected;
            gradients.ReferenceChosen[i] -= ofChosen;
            gradients.ReferenceRejected[i] += ofRejected;
        }
    }

    private static double Ratio(ReadOnlySpan<float> policy, ReadOnlySpan<float> reference, int pair) => (double)policy[pair] - reference[pair];

    // f'(e^r) without constants.
    private static double Slope(string divergence, double alpha, double r) => divergence switch
    {
        "reverse_kl" => r,
        "forward_kl" => -Math.Exp(-r),
        "jensen_shannon" => Stable.LogSigmoid(r),
        _ => -Stable.ExpMinusOne(-alpha * r) / alpha,
    };

    // Its derivative by r.
    private static double Bend(string divergence, double alpha, double r) => divergence switch
    {
        "reverse_kl" => 1,
        "forward_kl" => Math.Exp(-r),
        "jensen_shannon" => Stable.Sigmoid(-r),
        _ => Math.Exp(-alpha * r),
    };

    private static void CheckInput(string divergence, double alpha, double beta, double smoothing)
    {
        RatioTerms.RequireBeta("f_dpo", beta);
        Check.That(Names.Contains(divergence), "f_dpo", $"the divergence must be one of {string.Join(", ", Names)}, but it is {divergence}");
        Check.That(alpha > 0, "f_dpo", $"α must be above 0, but it is {alpha}");
        Check.That(smoothing is >= 0 and <= 1, "f_dpo", $"the label smoothing must lie in [0, 1], but it is {smoothing}");
    }

    private static Values Evaluate(FormulaCall call)
    {
        string divergence = call.Word("divergence", "reverse_kl");
        double alpha = call.Number("alpha", 0.5), beta = call.Number("beta"), smoothing = call.Number("label_smoothing", 0);
        AnswerPairs pairs = AnswerPairs.Of(call);
        Values y = Values.Scalar(Forward(pairs, divergence, alpha, beta, smoothing));
        if (call.Backward(y, out float[]? dy))
            Backward(pairs, divergence, alpha, beta, smoothing, dy[0], AnswerPairGradients.Of(call));
        return y;
    }
}
