using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>What answers cost that were judged one by one, good or bad, and not beside another.</summary>
public abstract record FeedbackLoss
{
    /// <summary>Every loss with its own numbers, by name.</summary>
    public static IReadOnlyDictionary<string, FeedbackLoss> All { get; } =
        new FeedbackLoss[] { new KahnemanTverskyLoss(), new AnchoredFeedbackLoss() }.ToDictionary(loss => loss.Name);

    /// <summary>Its name in options and metrics.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it asks for <see cref="FeedbackLogs.ReferencePoint"/>.</summary>
    public abstract bool NeedsReferencePoint { get; }

    /// <summary>β: how strongly the policy is held to the reference, above 0.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>λ_D: the weight of desirable answers.</summary>
    public double DesirableWeight { get; init; } = 1;

    /// <summary>λ_U: the weight of the others.</summary>
    public double UndesirableWeight { get; init; } = 1;

    /// <summary>z₀ of answers to other prompts: the mean ln(π/π_ref), at least 0.</summary>
    public static double ReferencePointOf(ReadOnlySpan<float> policy, ReadOnlySpan<float> reference)
    {
        Require.That(policy.Length == reference.Length && policy.Length > 0,
            $"reference point: {policy.Length} and {reference.Length} logs are not those of some answers");
        return Math.Max(0, DivergenceK1.Forward(policy, reference));
    }

    /// <summary>The sum of the loss over the answers, a scalar.</summary>
    public Tensor Sum(Tape tape, in FeedbackLogs logs)
    {
        Require.That(logs.Desirable.Length == logs.Policy.Shape.Count, $"{Name}: {logs.Desirable.Length} judgements do not fit {logs.Policy.Shape.Count} answers");
        Dictionary<string, object> numbers = new()
        {
            ["beta"] = Beta,
            ["reference_point"] = NeedsReferencePoint ? logs.ReferencePoint : 0,
            ["desirable_weight"] = DesirableWeight,
            ["undesirable_weight"] = UndesirableWeight,
        };
        float[] flags = new float[logs.Desirable.Length];
        for (int i = 0; i < flags.Length; i++)
            flags[i] = logs.Desirable.Span[i] ? 1 : 0;
        Tensor desirable = tape.Input(new Shape(flags.Length), flags);
        return tape.Scale(tape.Apply(KahnemanTversky.Definition, numbers, ("policy", logs.Policy), ("reference", logs.Reference), ("desirable", desirable)),
            flags.Length);
    }

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public void Validate()
    {
        Require.That(Beta > 0 && double.IsFinite(Beta), $"{Name}: β must be above 0, but it is {Beta}");
        foreach (double weight in new[] { DesirableWeight, UndesirableWeight })
            Require.That(weight >= 0 && double.IsFinite(weight), $"{Name}: a weight must not be negative, but it is {weight}");
    }
}

/// <summary>KTO: λ·(1 − σ(±β·(r − z₀))).</summary>
public sealed record KahnemanTverskyLoss : FeedbackLoss
{
    /// <inheritdoc/>
    public override string Name => "kto";

    /// <inheritdoc/>
    public override bool NeedsReferencePoint => true;
}

/// <summary>APO-zero of single answers: KTO with z₀ = 0.</summary>
public sealed record AnchoredFeedbackLoss : FeedbackLoss
{
    /// <inheritdoc/>
    public override string Name => "apo_zero_unpaired";

    /// <inheritdoc/>
    public override bool NeedsReferencePoint => false;
}

/// <summary>ln π(y|x) of judged answers, in nats: sums over the answers' tokens.</summary>
/// <param name="Policy">Of the policy, [answers].</param>
/// <param name="Reference">Of the reference, [answers].</param>
/// <param name="Desirable">Whether each answer was judged good.</param>
/// <param name="ReferencePoint">z₀: the divergence of the policy from the reference, estimated on answers to other prompts; at least 0.</param>
public readonly record struct FeedbackLogs(Tensor Policy, Tensor Reference, ReadOnlyMemory<bool> Desirable, double ReferencePoint);
