using Lemma.Decoding.Constraints;

namespace Lemma.Decoding;

/// <summary>How beams are kept and compared.</summary>
public sealed record BeamOptions
{
    /// <summary>Continuations that are kept a step.</summary>
    public int Beams { get; init; } = 4;

    /// <summary>The most ids to add.</summary>
    public int MaximumTokens { get; init; } = 200;

    /// <summary>α: continuations are compared by Σ log p/n^α, n ids with the one that ends them; above 0 longer ones gain.</summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>When the search ends before the most ids.</summary>
    public BeamStopping Stopping { get; init; }

    /// <summary>Ids that end a continuation; null for those of the model.</summary>
    public IReadOnlyList<int>? StopIds { get; init; }

    /// <summary>What a continuation must match as a whole, up to the id that ends it; null for any. Those that the most ids cut off are beginnings.</summary>
    public Constraint? Constraint { get; init; }

    /// <summary>Ids that the tokenizer has: a model may have more, which stand for nothing and are not taken; null for all of the model.</summary>
    public int? Ids { get; init; }
}

/// <summary>When a search ends, once as many continuations have ended as are kept.</summary>
public enum BeamStopping
{
    /// <summary>When the likeliest that goes on would not win if it ended now; <c>early_stopping</c> "false" in transformers.</summary>
    WhenUnlikely,

    /// <summary>At once; "true".</summary>
    AtOnce,

    /// <summary>When none that goes on can win, at the length that is best for it; "never".</summary>
    WhenImpossible,
}
