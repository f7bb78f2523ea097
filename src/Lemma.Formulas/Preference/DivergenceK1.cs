using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>k₁ = E[ln π − ln π_ref].</summary>
/// <remarks>
/// log_probs (ln π), reference_log_probs (ln π_ref): [samples] drawn from π; k: []. logs in nats; k estimates KL(π‖π_ref). Schulman 2020,
/// Approximating KL divergence, k1.
/// </remarks>
public static class DivergenceK1
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "kl_k1",
        Group = "Preference",
        Text = "k₁ = E[ln π − ln π_ref]",
        Latex = @"k_1 = \mathbb{E}\left[\ln\pi - \ln\pi_\mathrm{ref}\right]",
        Shapes = "log_probs (ln π), reference_log_probs (ln π_ref): [samples] drawn from π; k: []",
        Symbols = "logs in nats; k estimates KL(π‖π_ref)",
        Source = "Schulman 2020, Approximating KL divergence, k1",
        Gradient = "d ln π += 1/N·dk",
        Notes = "Unbiased, of large variance, may be negative. The gradient holds for given samples.",
        Example = "log_probs[9] reference_log_probs[9]",
        Evaluate = Evaluate,
    };

    /// <summary>k₁ = E[ln π − ln π_ref].</summary>
    public static double Forward(ReadOnlySpan<float> logs, ReadOnlySpan<float> reference)
    {
        Check.SameLength("kl_k1", logs.Length, reference.Length);
        return logs.IsEmpty ? 0 : (Lanes.WideSum(logs) - Lanes.WideSum(reference)) / logs.Length;
    }

    /// <summary>d ln π += 1/N·dk; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> logs, ReadOnlySpan<float> reference, double dy, Span<float> dlogs)
    {
        Check.SameLength("kl_k1", logs.Length, reference.Length);
        Check.SameLength("kl_k1", logs.Length, dlogs.Length);
        TensorPrimitives.Add(dlogs, (float)(dy / logs.Length), dlogs);
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
