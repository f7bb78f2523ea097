namespace Lemma.Formulas;

/// <summary>L = E[(m − 1/(2·β))²], m = ln(π(y_w)/π_ref(y_w)) − ln(π(y_l)/π_ref(y_l)).</summary>
/// <remarks>
/// policy_chosen, policy_rejected, reference_chosen, reference_rejected: [pairs] of ln π(y|x); L: []. β: regularization, above 0 (τ in the
/// paper); logs in nats. Azar et al. 2023, A general theoretical paradigm to understand learning from human preferences, eq. 17.
/// </remarks>
public static class IdentityPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "ipo",
        Group = "Preference",
        Text = "L = E[(m − 1/(2·β))²], m = ln(π(y_w)/π_ref(y_w)) − ln(π(y_l)/π_ref(y_l))",
        Latex = """
            L = \mathbb{E}\left[\left(m - \frac{1}{2\beta}\right)^2\right]
            m = \ln\frac{\pi(y_w)}{\pi_\mathrm{ref}(y_w)} - \ln\frac{\pi(y_l)}{\pi_\mathrm{ref}(y_l)}
            """,
        Shapes = "policy_chosen, policy_rejected, reference_chosen, reference_rejected: [pairs] of ln π(y|x); L: []",
        Symbols = "β: regularization, above 0 (τ in the paper); logs in nats",
        Source = "Azar et al. 2023, A general theoretical paradigm to understand learning from human preferences, eq. 17",
        Gradient = "dm = 2(m − 1/(2β))/N·dL",
        Notes = "A margin to reach instead of one to grow without end. TRL takes means of ln π over the tokens of each answer.",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3",
        Evaluate = Evaluate,
    };

    /// <summary>L = E[(m − 1/(2·β))²], m = ln(π(y_w)/π_ref(y_w)) − ln(π(y_l)/π_ref(y_l)).</summary>
    public static double Forward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, ReadOnlySpan<float> referenceChosen,
        ReadOnlySpan<float> referenceRejected, double beta)
    {
        Check.SameLength("ipo", chosen.Length, rejected.Length);
        Check.SameLength("ipo", chosen.Length, referenceChosen.Length);
        Check.SameLength("ipo", chosen.Length, referenceRejected.Length);
        Check.That(beta > 0, "ipo", $"β must be above 0, but it is {beta}");
        return chosen.IsEmpty ? 0
            : Margins.Sum(new SquareTerm(0.5 / beta), chosen, rejected, referenceChosen, referenceRejected) / chosen.Length;
    }

    /// <summary>dm = 2(m − 1/(2β))/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, ReadOnlySpan<float> referenceChosen,
        ReadOnlySpan<float> referenceRejected, double beta, double dy, Span<float> dchosen, Span<float> drejected,
            Span<float> dreferenceChosen, Span<float> dreferenceRejected)
    {
        Check.SameLength("ipo", chosen.Length, rejected.Length);
        Check.SameLength("ipo", chosen.Length, referenceChosen.Length);
        Check.SameLength("ipo", chosen.Length, referenceRejected.Length);
        Check.That(beta > 0, "ipo", $"β must be above 0, but it is {beta}");
        Margins.AddSlopes(new SquareTerm(0.5 / beta), chosen, rejected, referenceChosen, referenceRejected, 2 * dy / chosen.Length,
            dchosen, drejected,
            dreferenceChosen, dreferenceRejected);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values chosen = call["policy_chosen"], rejected = call.Same("policy_rejected", chosen),
            referenceChosen = call.Same("reference_chosen", chosen), referenceRejected = call.Same("reference_rejected", chosen);
        double beta = call.Number("beta");
        Values y = Values.Scalar(Forward(chosen, rejected, referenceChosen, referenceRejected, beta));
        if (call.Backward(y, out float[]? dy))
            Backward(chosen, rejected, referenceChosen, referenceRejected, beta, dy[0], call.Gradient("policy_chosen"),
                call.Gradient("policy_rejected"), call.Gradient("reference_chosen"), call.Gradient("reference_rejected"));
        return y;
    }
}
