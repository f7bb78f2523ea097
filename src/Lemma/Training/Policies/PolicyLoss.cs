using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>What answers cost that a policy wrote and that were rewarded: one record for each formula, chosen by its type.</summary>
/// <remarks>Advantages, and the logs of the policy that wrote the answers and of the reference, are constants.</remarks>
public abstract record PolicyLoss
{
    /// <summary>Every loss with its own numbers, by name.</summary>
    public static IReadOnlyDictionary<string, PolicyLoss> All { get; } = new PolicyLoss[]
    {
        new TokenPolicyLoss(), new GroupPolicyLoss(), new LengthFreePolicyLoss(), new BatchPolicyLoss(), new ProximalPolicyLoss(), new ClippedImportanceLoss(),
        new SequencePolicyLoss(), new ReinforceLoss(),
    }.ToDictionary(loss => loss.Name);

    /// <summary>Its name in options and metrics: "dapo", "grpo".</summary>
    public abstract string Name { get; }

    /// <summary>β: what a nat of divergence from the reference costs, k₃ of each token; 0 for none.</summary>
    public double Beta { get; init; }

    /// <summary>Whether it compares the policy with a reference.</summary>
    public bool NeedsReference => Beta > 0;

    /// <summary>The sum of the loss over some answers, and its weight.</summary>
    public LossPart Of(Tape tape, in PolicyLogs logs)
    {
        ArgumentNullException.ThrowIfNull(tape);
        CheckLogs(logs);
        LossPart loss = Rewarded(tape, logs);
        if (!NeedsReference)
            return loss;
        Tensor divergences = tape.Apply(TokenDivergence.Definition, new Dictionary<string, object>(),
            ("log_probs", logs.Policy), ("reference_log_probs", logs.Reference!.Value));
        return loss with { Sum = tape.AddScaled(loss.Sum, Average(tape, divergences, logs).Sum, (float)Beta) };
    }

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public virtual void Validate() => Require.That(Beta >= 0 && double.IsFinite(Beta), $"{Name}: β must not be negative, but it is {Beta}");

    /// <summary>Whether it bounds ratios.</summary>
    internal virtual bool Clips => false;

    /// <summary>The tokens whose ratio is beyond its bounds.</summary>
    internal virtual int ClippedTokens(Tape tape, in PolicyLogs logs) => 0;

    // The loss without its divergence.
    private protected abstract LossPart Rewarded(Tape tape, in PolicyLogs logs);

    // How losses of tokens become one.
    private protected abstract LossPart Average(Tape tape, Tensor losses, in PolicyLogs logs);

    // Over the tokens of all passes of a step.
    private protected static LossPart OverTokens(Tape tape, Tensor losses) => new(tape.Sum(losses), losses.Shape.Count);

    // Over the tokens of each answer, then over answers.
    private protected static LossPart OverAnswers(Tape tape, Tensor losses, in PolicyLogs logs)
    {
        float[] shares = new float[losses.Shape.Count];
        Span<float> left = shares;
        foreach (int length in logs.Lengths.Span)
        {
            left[..length].Fill(1f / length);
            left = left[length..];
        }
        return new LossPart(tape.Sum(tape.Multiply(losses, tape.Input(losses.Shape, shares))), logs.Lengths.Length);
    }

    private void CheckLogs(in PolicyLogs logs)
    {
        long tokens = logs.Policy.Shape.Count, sum = 0;
        foreach (int length in logs.Lengths.Span)
        {
            Require.That(length >= 0, $"{Name}: an answer cannot have {length} tokens");
            sum += length;
        }
        Require.That(sum == tokens && tokens > 0, $"{Name}: answers of {sum} tokens in all do not fit the {tokens} logs of the policy");
        Require.That(logs.Old.Shape.Count == tokens && logs.Advantages.Shape.Count == tokens,
            $"{Name}: {logs.Old.Shape.Count} old logs and {logs.Advantages.Shape.Count} advantages do not fit the {tokens} logs of the policy");
        Require.That(!NeedsReference || logs.Reference?.Shape.Count == tokens,
            $"{Name}: β is {Beta}, so the {tokens} tokens need logs of the reference, but there are {logs.Reference?.Shape.Count ?? 0}");
    }
}

/// <summary>ln π of the tokens of some answers, answer after answer, in nats.</summary>
/// <param name="Policy">Of the policy that learns, [tokens].</param>
/// <param name="Old">Of the policy that wrote them, [tokens].</param>
/// <param name="Reference">Of the reference, [tokens]; null where the loss needs none.</param>
/// <param name="Advantages">How much better each token's answer was than expected, [tokens].</param>
/// <param name="Lengths">The tokens of each answer.</param>
public readonly record struct PolicyLogs(Tensor Policy, Tensor Old, Tensor? Reference, Tensor Advantages, ReadOnlyMemory<int> Lengths);
