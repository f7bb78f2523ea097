namespace Lemma.Formulas;

/// <summary>k₂ = E[(ln π − ln π_ref)²/2].</summary>
/// <remarks>
/// log_probs (ln π), reference_log_probs (ln π_ref): [samples] drawn from π; k: []. logs in nats; k estimates KL(π‖π_ref). Schulman 2020,
/// Approximating KL divergence, k2.
/// </remarks>
public static class DivergenceK2
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "kl_k2",
        Group = "Preference",
        Text = "k₂ = E[(ln π − ln π_ref)²/2]",
        Latex = @"k_2 = \mathbb{E}\left[\frac{\left(\ln\pi - \ln\pi_\mathrm{ref}\right)^2}{2}\right]",
        Shapes = "log_probs (ln π), reference_log_probs (ln π_ref): [samples] drawn from π; k: []",
        Symbols = "logs in nats; k estimates KL(π‖π_ref)",
        Source = "Schulman 2020, Approximating KL divergence, k2",
        Gradient = "d ln π += (ln π − ln π_ref)/N·dk",
        Notes = "Biased a little, never negative.",
        Example = "log_probs[9] reference_log_probs[9]",
        Evaluate = Evaluate,
    };

    /// <summary>k₂ = E[(ln π − ln π_ref)²/2].</summary>
    public static double Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> reference)
    {
        Check.SameLength("kl_k2", logs.Length, reference.Length);
        return logs.IsEmpty ? 0 : 0.5 * Margins.Sum(new SquareTerm(0), logs, reference) / logs.Length;
    }

    /// <summary>d ln π += (ln π − ln π_ref)/N·dk; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> reference, double dy, Span<float> dlogs)
    {
        Check.SameLength("kl_k2", logs.Length, reference.Length);
        Check.SameLength("kl_k2", logs.Length, dlogs.Length);
        Margins.AddSlopes(new SquareTerm(0), logs, reference, dy / logs.Length, dlogs);
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
