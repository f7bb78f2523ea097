using Lemma.Formulas;

namespace Lemma.Training;

/// <summary>How rewards of answers become advantages: a record for each way.</summary>
public abstract record AdvantageRule
{
    /// <summary>Writes an advantage an answer; the answers of a prompt stand side by side.</summary>
    public abstract void Fill(ReadOnlySpan<float> rewards, int group, Span<float> advantages);
}

/// <summary>GRPO: the reward less the mean of its group, over the group's deviation; Dr. GRPO leaves the deviation out.</summary>
public sealed record GroupAdvantages : AdvantageRule
{
    /// <summary>Whether the deviation of the group divides.</summary>
    public bool DividesByDeviation { get; init; } = true;

    /// <summary>What is added to the deviation.</summary>
    public double Epsilon { get; init; } = 1e-4;

    /// <inheritdoc/>
    public override void Fill(ReadOnlySpan<float> rewards, int group, Span<float> advantages)
    {
        if (DividesByDeviation)
        {
            GroupAdvantage.Forward(rewards, group, Epsilon, advantages);
            return;
        }
        for (int first = 0; first < rewards.Length; first += group)
        {
            double mean = 0;
            foreach (float reward in rewards.Slice(first, group))
                mean += reward / (double)group;
            for (int i = first; i < first + group; i++)
                advantages[i] = (float)(rewards[i] - mean);
        }
    }
}

/// <summary>RLOO: the reward less the mean of the others of its group.</summary>
public sealed record LeaveOneOutAdvantages : AdvantageRule
{
    /// <inheritdoc/>
    public override void Fill(ReadOnlySpan<float> rewards, int group, Span<float> advantages) => LeaveOneOutAdvantage.Forward(rewards, group, advantages);
}

/// <summary>REINFORCE++: the reward less the mean of all, over the deviation of all.</summary>
public sealed record WhitenedAdvantages : AdvantageRule
{
    /// <summary>What is added to the variance.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override void Fill(ReadOnlySpan<float> rewards, int group, Span<float> advantages) =>
        WhitenedAdvantage.Forward(rewards, Epsilon, keepsMean: false, advantages);
}
