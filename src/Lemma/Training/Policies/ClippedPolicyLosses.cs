using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>−min(min(r, δ)·A, clip(r, 1 − ε_l, 1 + ε_h)·A), r = π/π_old; the records differ in what a ratio is of, and in the mean.</summary>
public abstract record ClippedPolicyLoss : PolicyLoss
{
    /// <summary>ε_l: how far a ratio may fall below 1 before its gradient stops.</summary>
    public double EpsilonLow { get; init; } = 0.2;

    /// <summary>ε_h: how far it may rise above 1.</summary>
    public double EpsilonHigh { get; init; } = 0.2;

    /// <summary>δ: the most that a ratio counts where the advantage is below 0; ∞ for no such bound.</summary>
    public double Delta { get; init; } = double.PositiveInfinity;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(EpsilonLow is >= 0 and <= 1, $"{Name}: ε_l must lie in [0, 1], but it is {EpsilonLow}");
        Require.That(EpsilonHigh >= 0 && double.IsFinite(EpsilonHigh), $"{Name}: ε_h must not be negative, but it is {EpsilonHigh}");
        Require.That(Delta > 1 + EpsilonHigh, $"{Name}: δ must be above 1 + ε_h = {1 + EpsilonHigh}, but it is {Delta}");
    }

    internal override bool Clips => true;

    internal override int ClippedTokens(Tape tape, in PolicyLogs logs)
    {
        ReadOnlySpan<float> policy = tape[logs.Policy], old = tape[logs.Old], advantages = tape[logs.Advantages];
        int count = 0;
        for (int i = 0; i < policy.Length; i++)
            count += IsClipped((double)policy[i] - old[i], advantages[i]) ? 1 : 0;
        return count;
    }

    // A gain counts no more above the bounds, a loss below them and above δ.
    private protected bool IsClipped(double logRatio, double advantage) => Math.Exp(logRatio) is var ratio
        && (advantage > 0 ? ratio > 1 + EpsilonHigh : advantage < 0 && (ratio < 1 - EpsilonLow || ratio > Delta));

    private protected Dictionary<string, object> Bounds => new() { ["epsilon_low"] = EpsilonLow, ["epsilon_high"] = EpsilonHigh, ["delta"] = Delta };

    private protected override LossPart Rewarded(Tape tape, in PolicyLogs logs) => Average(tape,
        tape.Apply(PolicyClip.Definition, Bounds, ("log_probs", logs.Policy), ("old_log_probs", logs.Old), ("advantages", logs.Advantages)), logs);
}

/// <summary>DAPO: a mean over all tokens of a step, and more room above than below (0.28 in the paper; 0.2 is TRL's).</summary>
public sealed record TokenPolicyLoss : ClippedPolicyLoss
{
    /// <summary>With the paper's ε_h.</summary>
    public TokenPolicyLoss() => EpsilonHigh = 0.28;

    /// <inheritdoc/>
    public override string Name => "dapo";

    private protected override LossPart Average(Tape tape, Tensor losses, in PolicyLogs logs) => OverTokens(tape, losses);
}

/// <summary>GRPO: a mean over the tokens of each answer, then over answers.</summary>
public sealed record GroupPolicyLoss : ClippedPolicyLoss
{
    /// <inheritdoc/>
    public override string Name => "grpo";

    private protected override LossPart Average(Tape tape, Tensor losses, in PolicyLogs logs) => OverAnswers(tape, losses, logs);
}

/// <summary>Dr. GRPO: the sum over an answer's tokens by the longest that an answer may be, so that no length is preferred.</summary>
public sealed record LengthFreePolicyLoss : ClippedPolicyLoss
{
    /// <summary>The most tokens of an answer.</summary>
    public int LongestAnswer { get; init; } = 256;

    /// <inheritdoc/>
    public override string Name => "dr_grpo";

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(LongestAnswer > 0, $"{Name}: the longest answer must have at least one token, but it has {LongestAnswer}");
    }

    private protected override LossPart Average(Tape tape, Tensor losses, in PolicyLogs logs) =>
        new(tape.Sum(losses), (double)logs.Lengths.Length * LongestAnswer);
}

/// <summary>BNPO: a mean over the tokens of each pass, then over passes; TRL's local batch is a pass here.</summary>
public sealed record BatchPolicyLoss : ClippedPolicyLoss
{
    /// <inheritdoc/>
    public override string Name => "bnpo";

    private protected override LossPart Average(Tape tape, Tensor losses, in PolicyLogs logs) =>
        new(tape.Scale(tape.Sum(losses), 1f / losses.Shape.Count), 1);
}

/// <summary>PPO: a mean over tokens, whose advantages are tokens' own (<see cref="GeneralizedAdvantage"/>).</summary>
public sealed record ProximalPolicyLoss : ClippedPolicyLoss
{
    /// <inheritdoc/>
    public override string Name => "ppo";

    private protected override LossPart Average(Tape tape, Tensor losses, in PolicyLogs logs) => OverTokens(tape, losses);
}

/// <summary>GSPO: one ratio an answer, the geometric mean of its tokens'; an answer's advantage is the mean of its tokens'.</summary>
public sealed record SequencePolicyLoss : ClippedPolicyLoss
{
    /// <summary>With the paper's bounds, 3·10⁻⁴ below and 4·10⁻⁴ above.</summary>
    public SequencePolicyLoss() => (EpsilonLow, EpsilonHigh) = (3e-4, 4e-4);

    /// <inheritdoc/>
    public override string Name => "gspo";

    internal override int ClippedTokens(Tape tape, in PolicyLogs logs)
    {
        ReadOnlySpan<float> policy = tape[logs.Policy], old = tape[logs.Old], advantages = tape[logs.Advantages];
        int count = 0, first = 0;
        foreach (int length in logs.Lengths.Span)
        {
            double advantage = 0;
            foreach (float one in advantages.Slice(first, length))
                advantage += one;
            double logRatio = DivergenceK1.Forward(policy.Slice(first, length), old.Slice(first, length));
            count += IsClipped(logRatio, advantage) ? length : 0;
            first += length;
        }
        return count;
    }

    private protected override LossPart Rewarded(Tape tape, in PolicyLogs logs)
    {
        int answers = logs.Lengths.Length;
        float[] lengths = new float[answers], advantages = new float[answers];
        ReadOnlySpan<float> left = tape[logs.Advantages];
        for (int answer = 0; answer < answers; answer++)
        {
            int length = logs.Lengths.Span[answer];
            double sum = 0;
            foreach (float advantage in left[..length])
                sum += advantage;
            (lengths[answer], advantages[answer]) = (length, (float)(sum / Math.Max(1, length)));
            left = left[length..];
        }
        Shape shape = new(answers);
        Tensor mean = tape.Apply(SequencePolicy.Definition, Bounds, ("log_probs", logs.Policy), ("old_log_probs", logs.Old),
            ("lengths", tape.Input(shape, lengths)), ("advantages", tape.Input(shape, advantages)));
        return new LossPart(tape.Scale(mean, answers), answers);
    }

    private protected override LossPart Average(Tape tape, Tensor losses, in PolicyLogs logs) => OverAnswers(tape, losses, logs);
}
