namespace Lemma.Training;

/// <summary>How the answers of a policy are drawn and read: in rounds, whose answers are split into passes and read once an epoch.</summary>
public abstract record PolicyRoundOptions
{
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

    /// <summary>What leaving the reference costs in the rewards of tokens; nothing by default.</summary>
    public DivergencePenalty Penalty { get; init; } = new();

    /// <summary>C: the last ids of the longest answer, in which the reward falls by up to 1; 0 for no such end. Yu et al. 2025, DAPO, eq. 13.</summary>
    public int OverlongMargin { get; init; }

    /// <summary>Whether answers that did not end by themselves are left out of the loss.</summary>
    public bool LeavesOutCutAnswers { get; init; }

    /// <summary>The most sequences that are drawn in one pass.</summary>
    public int Together { get; init; } = 64;

    /// <summary>The seed of prompts and draws.</summary>
    public ulong Seed { get; init; } = 1;

    // How often further prompts are tried for groups whose rewards differ.
    internal virtual int MoreAttempts => 0;

    private protected void ValidateRound()
    {
        Require.That(Prompts > 0 && Group > 0 && LongestAnswer > 0 && PassesOfRound > 0 && Epochs > 0 && MoreAttempts >= 0,
            $"policy: sizes must be positive, but prompts {Prompts}, group {Group}, longest answer {LongestAnswer}, passes {PassesOfRound}, "
            + $"epochs {Epochs}, further rounds {MoreAttempts}");
        Require.That(PassesOfRound <= Prompts * Group, $"policy: {Prompts * Group} answers cannot be split into {PassesOfRound} passes");
        Require.That(OverlongMargin >= 0 && OverlongMargin <= LongestAnswer,
            $"policy: the margin of long answers must lie in [0, {LongestAnswer}], but it is {OverlongMargin}");
        Penalty.Validate(Prompts * Group);
    }
}
