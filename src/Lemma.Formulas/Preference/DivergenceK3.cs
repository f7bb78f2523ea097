namespace Lemma.Formulas;

/// <summary>k₃ = E[e^r − r − 1], r = ln π_ref − ln π.</summary>
/// <remarks>
/// log_probs (ln π), reference_log_probs (ln π_ref): [samples] drawn from π; k: []. logs in nats; k estimates KL(π‖π_ref). Schulman 2020,
/// Approximating KL divergence, k3.
/// </remarks>
public static class DivergenceK3
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "kl_k3",
        Group = "Preference",
        Text = "k₃ = E[e^r − r − 1], r = ln π_ref − ln π",
        Latex = @"k_3 = \mathbb{E}\left[e^r - r - 1\right]\qquad r = \ln\pi_\mathrm{ref} - \ln\pi",
        Shapes = "log_probs (ln π), reference_log_probs (ln π_ref): [samples] drawn from π; k: []",
        Symbols = "logs in nats; k estimates KL(π‖π_ref)",
        Source = "Schulman 2020, Approximating KL divergence, k3",
        Gradient = "d ln π += (1 − e^r)/N·dk",
        Notes = "Unbiased and never negative, since e^r ≥ 1 + r.",
        Example = "log_probs[9] reference_log_probs[9]",
        Evaluate = Evaluate,
    };

    /// <summary>k₃ = E[e^r − r − 1], r = ln π_ref − ln π.</summary>
    public static double Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> reference)
    {
        Check.SameLength("kl_k3", logs.Length, reference.Length);
        return logs.IsEmpty ? 0 : Margins.Sum(default(ExcessTerm), logs, reference) / logs.Length;
    }

    /// <summary>d ln π += (1 − e^r)/N·dk; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> reference, double dy, Span<float> dlogs)
    {
        Check.SameLength("kl_k3", logs.Length, reference.Length);
        Check.SameLength("kl_k3", logs.Length, dlogs.Length);
        Margins.AddSlopes(default(ExcessTerm), logs, reference, dy / logs.Length, dlogs);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logs = call["log_probs"], reference = call.Same("reference_log_probs", logs);
        Values y = Values.Scalar(Forward(logs, reference));
        if (call.Backward(y, out float[]? dy))
            Backward(logs, reference, dy[0], call.Gradient("log_probs"));
        return y;
    }
}
