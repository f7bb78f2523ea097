namespace Lemma.Formulas;

/// <summary>L = −E[(1 − ε)·ln σ(β·δ) + ε·ln σ(−β·δ)], δ = sort(ln π(y_w)/π(y_l)) − sort(ln π_ref(y_w)/π_ref(y_l)).</summary>
/// <remarks>The margins depend on which pairs stand together: the whole input is one sample. Melnyk et al. 2024.</remarks>
public static class TransportPreference
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "aot",
        Group = "Preference",
        Text = "L = −E[(1 − ε)·ln σ(β·δ) + ε·ln σ(−β·δ)], δ = sort(ln(π(y_w)/π(y_l))) − sort(ln(π_ref(y_w)/π_ref(y_l)))",
        Latex = """
            L = -\mathbb{E}\left[(1 - \varepsilon)\ln\sigma(\beta\delta) + \varepsilon\ln\sigma(-\beta\delta)\right]
            \delta = \mathrm{sort}\left(\ln\frac{\pi(y_w)}{\pi(y_l)}\right) - \mathrm{sort}\left(\ln\frac{\pi_\mathrm{ref}(y_w)}{\pi_\mathrm{ref}(y_l)}\right)
            """,
        Shapes = AnswerPairs.Shapes,
        Symbols = AnswerPairs.Ratios + "; β above 0; ε: label smoothing; sort: from the smallest to the largest over the pairs",
        Source = "Melnyk et al. 2024, Distributional preference alignment of LLMs via optimal transport, for pairs",
        Gradient = "dδ = β·((1 − ε)·(σ(βδ) − 1) + ε·σ(βδ))/N·dL, to the places that the sorted numbers came from",
        Notes = "The policy's margins are to dominate the reference's as distributions, not pair by pair.",
        Example = "policy_chosen[9] policy_rejected[9] reference_chosen[9] reference_rejected[9] beta=0.3 label_smoothing=0.1",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(in AnswerPairs pairs, double beta, double smoothing)
    {
        CheckNumbers(beta, smoothing);
        return Sort(pairs).Mean(beta, smoothing);
    }

    /// <summary>
    /// dδ = β·((1 − ε)·(σ(βδ) − 1) + ε·σ(βδ))/N·dL, to the places that the sorted numbers came from; <paramref name="dy"/> is the gradient
    /// of the mean.
    /// </summary>
    public static void Backward(in AnswerPairs pairs, double beta, double smoothing, double dy, in AnswerPairGradients gradients)
    {
        CheckNumbers(beta, smoothing);
        Check.SameLength("aot", pairs.Count, gradients.Chosen.Length);
        Sort(pairs).AddSlopes(beta, smoothing, dy, gradients.Chosen, gradients.Rejected, gradients.ReferenceChosen, gradients.ReferenceRejected);
    }

    private static SortedMargins Sort(in AnswerPairs pairs) =>
        new(pairs.Chosen, pairs.Rejected, pairs.ReferenceChosen, pairs.ReferenceRejected);

    private static void CheckNumbers(double beta, double smoothing)
    {
        RatioTerms.RequireBeta("aot", beta);
        Check.That(smoothing is >= 0 and <= 1, "aot", $"the label smoothing must lie in [0, 1], but it is {smoothing}");
    }

    private static Values Evaluate(FormulaCall call)
    {
        double beta = call.Number("beta"), smoothing = call.Number("label_smoothing", 0);
        AnswerPairs pairs = AnswerPairs.Of(call);
        Values y = Values.Scalar(Forward(pairs, beta, smoothing));
        if (call.Backward(y, out float[]? dy))
            Backward(pairs, beta, smoothing, dy[0], AnswerPairGradients.Of(call));
        return y;
    }
}
