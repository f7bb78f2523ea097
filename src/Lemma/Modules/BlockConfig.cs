namespace Lemma.Modules;

/// <summary>How the branches of a block follow each other.</summary>
public enum BranchOrder
{
    /// <summary>The feed-forward reads what attention has added.</summary>
    Sequential,

    /// <summary>Both read the block's input, each through its own norm.</summary>
    Parallel,

    /// <summary>Both read the block's input through one norm.</summary>
    ParallelOneNorm,
}

/// <summary>One block of a stack: branches, the norms around them and how they join the residual stream.</summary>
public sealed record BlockConfig
{
    /// <summary>What moves between positions.</summary>
    public required MixerConfig Mixer { get; init; }

    /// <summary>Attention to an encoder's rows; null for none.</summary>
    public AttentionConfig? Cross { get; init; }

    /// <summary>The feed-forward layer.</summary>
    public required FeedForwardConfig FeedForward { get; init; }

    /// <summary>The norm of what a branch reads (pre-norm); null for none.</summary>
    public NormConfig? Before { get; init; }

    /// <summary>Whether attention reads the stream itself, and only the feed-forward goes through <see cref="Before"/>.</summary>
    public bool MixerReadsStream { get; init; }

    /// <summary>The norm of what a branch gives before it is added (sandwich together with <see cref="Before"/>); null for none.</summary>
    public NormConfig? After { get; init; }

    /// <summary>The norm of the sum of the stream and a branch (post-norm); null for none.</summary>
    public NormConfig? AfterSum { get; init; }

    /// <summary>How the branches follow each other.</summary>
    public BranchOrder Order { get; init; }

    /// <summary>What a branch is multiplied with before it is added.</summary>
    public float ResidualScale { get; init; } = 1;

    /// <summary>Whether the rows behind the block are multiplied with a number of the file, which is not learned.</summary>
    public bool OutputScale { get; init; }

    /// <summary>Checks every size and how they fit; the error names the rule and the values.</summary>
    public void Validate()
    {
        Mixer.Validate();
        FeedForward.Validate();
        Cross?.Validate();
        Require.That(Order == BranchOrder.Sequential || (Cross is null && AfterSum is null),
            $"block: parallel branches have neither cross attention nor a norm of the sum");
        Require.That(!MixerReadsStream || (Order != BranchOrder.ParallelOneNorm && Cross is null && Before is not null),
            $"block: attention can read the stream itself where the feed-forward has a norm of its own, and there is no cross attention");
        Require.That(ResidualScale is > 0 and < float.PositiveInfinity, $"block: the residual scale must be positive and finite, but it is {ResidualScale}");
        Before?.Validate();
        After?.Validate();
        AfterSum?.Validate();
    }
}
