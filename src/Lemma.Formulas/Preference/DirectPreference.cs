namespace Lemma.Formulas;

/// <summary>L = −E[(1 − ε)·ln σ(β·m) + ε·ln σ(−β·m)], m = ln(π(y_w)/π_ref(y_w)) − ln(π(y_l)/π_ref(y_l)).</summary>
/// <remarks>
/// policy_chosen, policy_rejected, reference_chosen, reference_rejected: [pairs] of ln π(y|x); L: []. β: how strongly the policy is held to
/// the reference, above 0; ε: label smoothing (cDPO); logs in nats. Rafailov et al. 2023, Direct preference optimization, eq. 7; Mitchell
/// 2023 for ε.
/// </remarks>
public static class DirectPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "dpo",
        Group = "Preference",
        Text = "L = −E[(1 − ε)·ln σ(β·m) + ε·ln σ(−β·m)], m = ln(π(y_w)/π_ref(y_w)) − ln(π(y_l)/π_ref(y_l))",
        Latex = """
            L = -\mathbb{E}\left[(1 - \varepsilon)\ln\sigma(\beta m) + \varepsilon\ln\sigma(-\beta m)\right]
            m = \ln\frac{\pi(y_w)}{\pi_\mathrm{ref}(y_w)} - \ln\frac{\pi(y_l)}{\pi_\mathrm{ref}(y_l)}
            """,
        Shapes = "policy_chosen, policy_rejected, reference_chosen, reference_rejected: [pairs] of ln π(y|x); L: []",
        Symbols = "β: how strongly the policy is held to the reference, above 0; ε: label smoothing (cDPO); logs in nats",
        Source = "Rafailov et al. 2023, Direct preference optimization, eq. 7; Mitchell 2023 for ε",
        Gradient = "dm = β·((1 − ε)·(σ(βm) − 1) + ε·σ(βm))/N·dL; dπ_w += dm, dπ_l −= dm, and the reverse for the reference",
        Notes = "The same as −E ln σ(r̂_w − r̂_l) with implicit rewards r̂ = β·ln(π/π_ref).",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3 label_smoothing=0.1",
        Evaluate = Evaluate,
    };

    /// <summary>L = −E[(1 − ε)·ln σ(β·m) + ε·ln σ(−β·m)], m = ln(π(y_w)/π_ref(y_w)) − ln(π(y_l)/π_ref(y_l)).</summary>
    public static double Forward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, ReadOnlySpan<float> referenceChosen,
        ReadOnlySpan<float> referenceRejected, double beta, double smoothing)
    {
        Check.SameLength("dpo", chosen.Length, rejected.Length);
        Check.SameLength("dpo", chosen.Length, referenceChosen.Length);
        Check.SameLength("dpo", chosen.Length, referenceRejected.Length);
        Check.That(beta > 0, "dpo", $"β must be above 0, but it is {beta}");
        Check.That(smoothing is >= 0 and <= 1, "dpo", $"the label smoothing must lie in [0, 1], but it is {smoothing}");
        return chosen.IsEmpty ? 0
            : Margins.Sum(new LogSigmoidTerm(beta, 0, smoothing), chosen, rejected, referenceChosen, referenceRejected) / chosen.Length;
    }

    /// <summary>
    /// dm = β·((1 − ε)·(σ(βm) − 1) + ε·σ(βm))/N·dL; dπ_w += dm, dπ_l −= dm, and the reverse for the reference; <paramref name="dy"/> is the
    /// gradient of the mean.
    /// </summary>
    public static void Backward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, ReadOnlySpan<float> referenceChosen,
        ReadOnlySpan<float> referenceRejected, double beta, double smoothing, double dy, Span<float> dchosen, Span<float> drejected,
            Span<float> dreferenceChosen, Span<float> dreferenceRejected)
    {
        Check.SameLength("dpo", chosen.Length, rejected.Length);
        Check.SameLength("dpo", chosen.Length, referenceChosen.Length);
        Check.SameLength("dpo", chosen.Length, referenceRejected.Length);
        Check.That(beta > 0, "dpo", $"β must be above 0, but it is {beta}");
        Check.That(smoothing is >= 0 and <= 1, "dpo", $"the label smoothing must lie in [0, 1], but it is {smoothing}");
        Margins.AddSlopes(new LogSigmoidTerm(beta, 0, smoothing), chosen, rejected, referenceChosen, referenceRejected,
            dy * beta / chosen.Length, dchosen, drejected,
            dreferenceChosen, dreferenceRejected);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values chosen = call["policy_chosen"], rejected = call.Same("policy_rejected", chosen),
            referenceChosen = call.Same("reference_chosen", chosen), referenceRejected = call.Same("reference_rejected", chosen);
        double beta = call.Number("beta");
        double smoothing = call.Number("label_smoothing", 0);
        Values y = Values.Scalar(Forward(chosen, rejected, referenceChosen, referenceRejected, beta, smoothing));
        if (call.Backward(y, out float[]? dy))
            Backward(chosen, rejected, referenceChosen, referenceRejected, beta, smoothing, dy[0], call.Gradient("policy_chosen"),
                call.Gradient("policy_rejected"), call.Gradient("reference_chosen"), call.Gradient("reference_rejected"));
        return y;
    }
}
