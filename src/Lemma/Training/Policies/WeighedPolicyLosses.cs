using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>CISPO: −min(π/π_old, c)·A·ln π with a constant weight, a mean over all tokens of a step.</summary>
public sealed record ClippedImportanceLoss : PolicyLoss
{
    /// <summary>c: the most that a token weighs; the paper's 1 + ε_high, TRL's epsilon_high.</summary>
    public double LargestWeight { get; init; } = 5;

    /// <inheritdoc/>
    public override string Name => "cispo";

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(LargestWeight > 0 && double.IsFinite(LargestWeight), $"{Name}: the largest weight must be above 0, but it is {LargestWeight}");
    }

    internal override bool Clips => true;

    internal override int ClippedTokens(Tape tape, in PolicyLogs logs)
    {
        ReadOnlySpan<float> policy = tape[logs.Policy], old = tape[logs.Old];
        int count = 0;
        for (int i = 0; i < policy.Length; i++)
            count += Math.Exp((double)policy[i] - old[i]) > LargestWeight ? 1 : 0;
        return count;
    }

    private protected override LossPart Rewarded(Tape tape, in PolicyLogs logs)
    {
        Dictionary<string, object> numbers = new() { ["largest_weight"] = LargestWeight };
        return Average(tape, tape.Apply(ClippedImportance.Definition, numbers, ("log_probs", logs.Policy), ("old_log_probs", logs.Old),
            ("advantages", logs.Advantages)), logs);
    }

    private protected override LossPart Average(Tape tape, Tensor losses, in PolicyLogs logs) => OverTokens(tape, losses);
}

/// <summary>REINFORCE: −A·ln π of answers that the policy has just written.</summary>
/// <remarks>RLOO takes the sum over an answer's tokens (<see cref="IsSumOfAnswers"/>), REINFORCE++ the mean over tokens.</remarks>
public sealed record ReinforceLoss : PolicyLoss
{
    /// <summary>Whether it is a mean over answers of sums over their tokens, and not a mean over tokens.</summary>
    public bool IsSumOfAnswers { get; init; }

    /// <inheritdoc/>
    public override string Name => "reinforce";

    private protected override LossPart Rewarded(Tape tape, in PolicyLogs logs) => Average(tape, tape.Apply(PolicyGradient.Definition,
        new Dictionary<string, object>(), ("log_probs", logs.Policy), ("advantages", logs.Advantages)), logs);

    private protected override LossPart Average(Tape tape, Tensor losses, in PolicyLogs logs) =>
        IsSumOfAnswers ? new LossPart(tape.Sum(losses), logs.Lengths.Length) : OverTokens(tape, losses);
}
