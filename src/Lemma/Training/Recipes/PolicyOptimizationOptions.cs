namespace Lemma.Training;

/// <summary>How a policy is trained by the rewards of its answers.</summary>
public sealed record PolicyOptimizationOptions : PolicyRoundOptions
{
    /// <summary>What a token of an answer costs.</summary>
    public required PolicyLoss Loss { get; init; }

    /// <summary>How rewards become advantages. With a <see cref="PolicyRoundOptions.Penalty"/> they are whitened over the tokens of a round.</summary>
    public AdvantageRule Advantages { get; init; } = new GroupAdvantages();

    /// <summary>How often further prompts are tried for groups whose rewards differ, which alone teach; 0 to take every group. DAPO, section 3.2.</summary>
    public int FurtherRounds { get; init; }

    internal override int MoreAttempts => FurtherRounds;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public PolicyOptimizationOptions Validate()
    {
        ValidateRound();
        Require.That(Penalty.Beta == 0 || Advantages is WhitenedAdvantages,
            $"policy: a divergence in the rewards of tokens needs whitened advantages, as in REINFORCE++, not {Advantages.GetType().Name}");
        Loss.Validate();
        return this;
    }
}
