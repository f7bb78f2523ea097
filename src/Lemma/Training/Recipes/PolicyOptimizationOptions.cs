namespace Lemma.Training;

/// <summary>How a policy is trained by the rewards of its answers.</summary>
public sealed record PolicyOptimizationOptions
{
    /// <summary>What a token of an answer costs.</summary>
    public required PolicyLoss Loss { get; init; }

    /// <summary>How rewards become advantages.</summary>
    public AdvantageRule Advantages { get; init; } = new GroupAdvantages();

    /// <summary>Prompts of one round of answers.</summary>
    public int Prompts { get; init; } = 16;

    /// <summary>Answers a prompt.</summary>
    public int Group { get; init; } = 8;

    /// <summary>The most ids of an answer.</summary>
    public int LongestAnswer { get; init; } = 64;

    /// <summary>Passes that the answers of a round are split into; each is read once an epoch.</summary>
    public int PassesOfRound { get; init; } = 1;

    /// <summary>How often the answers of a round are read.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>How often further prompts are tried for groups whose rewards differ, which alone teach; 0 to take every group. DAPO, section 3.2.</summary>
    public int FurtherRounds { get; init; }

    /// <summary>Whether answers that did not end by themselves are left out of the loss.</summary>
    public bool LeavesOutCutAnswers { get; init; }

    /// <summary>The most sequences that are drawn in one pass.</summary>
    public int Together { get; init; } = 64;

    /// <summary>The seed of prompts and draws.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public PolicyOptimizationOptions Validate()
    {
        Require.That(Prompts > 0 && Group > 0 && LongestAnswer > 0 && PassesOfRound > 0 && Epochs > 0 && FurtherRounds >= 0,
            $"policy: sizes must be positive, but prompts {Prompts}, group {Group}, longest answer {LongestAnswer}, passes {PassesOfRound}, "
            + $"epochs {Epochs}, further rounds {FurtherRounds}");
        Require.That(PassesOfRound <= Prompts * Group, $"policy: {Prompts * Group} answers cannot be split into {PassesOfRound} passes");
        Loss.Validate();
        return this;
    }
}
