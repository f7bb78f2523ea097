namespace Lemma.Formulas;

/// <summary>L = E[λ_D(1 − σ(β(r − z₀))) if desirable, λ_U(1 − σ(β(z₀ − r))) if not], r = ln π(y)/π_ref(y).</summary>
/// <remarks>
/// policy, reference: [samples] of ln π(y|x); desirable: [samples] of 0 or 1; z₀: the mean KL(π‖π_ref) of the batch, a constant at or above 0.
/// Ethayarajh et al. 2024, KTO, eq. 8.
/// </remarks>
public static class KahnemanTversky
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "kto",
        Group = "Preference",
        Text = "L = E[λ·(1 − σ(±β·(r − z₀)))], r = ln(π(y)/π_ref(y))",
        Shapes = "policy, reference: [samples] of ln π(y|x); desirable: [samples] of 0 or 1; L: []",
        Symbols = "β above 0; z₀ (reference_point): the batch mean of KL(π‖π_ref), a constant; λ: desirable_weight, undesirable_weight",
        Source = "Ethayarajh et al. 2024, KTO, eq. 8",
        Gradient = "dr = ∓λβ·σ(g)σ(−g)/N·dL, g = β(r − z₀)",
        Notes = "Needs single judged answers, not pairs.",
        Example = "policy[9] reference[9] desirable[9]%2 beta=0.4 reference_point=0.1 desirable_weight=1.3",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(ReadOnlySpan<float> policy, ReadOnlySpan<float> reference, ReadOnlySpan<float> desirable,
        double beta, double origin, double desirableWeight, double undesirableWeight)
    {
        CheckInput(policy, reference, desirable, beta, origin);
        double sum = 0;
        for (int i = 0; i < policy.Length; i++)
        {
            double gain = beta * ((double)policy[i] - reference[i] - origin);
            sum += desirable[i] == 1 ? desirableWeight * Stable.Sigmoid(-gain) : undesirableWeight * Stable.Sigmoid(gain);
        }
        return policy.IsEmpty ? 0 : sum / policy.Length;
    }

    /// <summary>dr = ∓λβ·σ(g)σ(−g)/N·dL, g = β(r − z₀): minus for the desirable; dπ += dr, dπ_ref −= dr.</summary>
    public static void Backward(ReadOnlySpan<float> policy, ReadOnlySpan<float> reference, ReadOnlySpan<float> desirable,
        double beta, double origin, double desirableWeight, double undesirableWeight, double dy, Span<float> dpolicy,
            Span<float> dreference)
    {
        CheckInput(policy, reference, desirable, beta, origin);
        for (int i = 0; i < policy.Length; i++)
        {
            double gain = beta * ((double)policy[i] - reference[i] - origin);
            double weight = desirable[i] == 1 ? -desirableWeight : undesirableWeight;
            float slope = (float)(dy / policy.Length * weight * beta * Stable.Sigmoid(gain) * Stable.Sigmoid(-gain));
            dpolicy[i] += slope;
            dreference[i] -= slope;
        }
    }

    private static void CheckInput(ReadOnlySpan<float> policy, ReadOnlySpan<float> reference, ReadOnlySpan<float> desirable, double beta,
        double origin)
    {
        Check.SameLength("kto", policy.Length, reference.Length);
        Check.SameLength("kto", policy.Length, desirable.Length);
        Check.That(beta > 0, "kto", $"β must be above 0, but it is {beta}");
        Check.That(origin >= 0, "kto", $"the reference point z₀ is a divergence and must not be negative, but it is {origin}");
        for (int i = 0; i < desirable.Length; i++)
        {
            if (desirable[i] is not (0 or 1))
                Check.That(false, "kto", $"desirable must be 0 or 1, but element {i} is {desirable[i]}");
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values policy = call["policy"], reference = call.Same("reference", policy), desirable = call.Same("desirable", policy);
        double beta = call.Number("beta", 0.1), origin = call.Number("reference_point", 0);
        double good = call.Number("desirable_weight", 1), bad = call.Number("undesirable_weight", 1);
        Values y = Values.Scalar(Forward(policy, reference, desirable, beta, origin, good, bad));
        if (call.Backward(y, out float[]? dy))
            Backward(policy, reference, desirable, beta, origin, good, bad, dy[0], call.Gradient("policy"), call.Gradient("reference"));
        return y;
    }
}
