using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>A further row a token and block, e = (norm(x·P/√d) + √p·E[id])/√2, which each block adds by a gate: x + norm((φ(x·G)∘e)·W).</summary>
/// <remarks>Gemma Team 2025, Gemma 3n and Gemma 4: per-layer embeddings.</remarks>
/// <param name="Width">p: columns a block.</param>
/// <param name="Activation">φ.</param>
/// <param name="Norm">Both norms.</param>
public sealed record PerBlockEmbeddingConfig(int Width, Activation Activation, NormConfig Norm)
{
    /// <summary>Checks the width; the error names the rule and the value.</summary>
    public void Validate()
    {
        Require.That(Width is > 0 and <= 1 << 16, $"embedding: the width of a row for each block must lie in [1, {1 << 16}], but it is {Width}");
        Norm.Validate();
    }
}

/// <summary>How ids become rows of the residual stream.</summary>
public sealed record EmbeddingConfig
{
    /// <summary>How many ids there are.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The width d of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>Rows of learned positions; 0 for none.</summary>
    public int LearnedPositions { get; init; }

    /// <summary>The row of learned positions that position 0 has.</summary>
    public int PositionOffset { get; init; }

    /// <summary>Whether sines and cosines of the position are added.</summary>
    public bool Sinusoidal { get; init; }

    /// <summary>Kinds of token that have a vector of their own, added; 0 for none.</summary>
    public int TokenTypes { get; init; }

    /// <summary>What the vectors of ids are multiplied with.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>The norm of the sum; null for none.</summary>
    public NormConfig? Norm { get; init; }

    /// <summary>A further row for each block; null for none.</summary>
    public PerBlockEmbeddingConfig? PerBlock { get; init; }

    /// <summary>Checks every size for sequences of a length; the error names the rule and the values.</summary>
    public void Validate(int maximumLength)
    {
        Require.That(this is { LearnedPositions: >= 0, PositionOffset: >= 0, TokenTypes: >= 0 }
            && (LearnedPositions == 0 || (long)maximumLength + PositionOffset <= LearnedPositions),
            $"positions: {LearnedPositions} rows do not hold {maximumLength} positions from row {PositionOffset} on");
        Require.That(!Sinusoidal || Width % 2 == 0, $"positions: sines and cosines need an even width, but it is {Width}");
        Require.That(Scale is > 0 and < float.PositiveInfinity, $"embedding: the scale must be positive and finite, but it is {Scale}");
        Norm?.Validate();
        PerBlock?.Validate();
    }
}

/// <summary>A bias of attention's scores by the distance of key and query, the same in every block.</summary>
/// <param name="Heads">Heads of every block.</param>
public abstract record PositionBiasConfig(int Heads);

/// <summary>A learned bias a bucket of distances and head.</summary>
/// <remarks>Raffel et al. 2019, section 2.1.</remarks>
public sealed record BucketBias(int Heads, int Buckets = 32, int MaximumDistance = 128) : PositionBiasConfig(Heads);

/// <summary>ALiBi: a slope a head times the distance.</summary>
/// <remarks>Press et al. 2021.</remarks>
public sealed record SlopeBias(int Heads) : PositionBiasConfig(Heads);

/// <summary>Embedding, blocks and a last norm.</summary>
public sealed record StackConfig
{
    /// <summary>How ids become rows.</summary>
    public required EmbeddingConfig Embedding { get; init; }

    /// <summary>The blocks in order; each may be of its own kind.</summary>
    public required ValueList<BlockConfig> Blocks { get; init; }

    /// <summary>The norm after the last block; null for none.</summary>
    public NormConfig? Norm { get; init; }

    /// <summary>A bias of scores by distance; null for none.</summary>
    public PositionBiasConfig? Bias { get; init; }

    /// <summary>Checks every size and how they fit.</summary>
    public void Validate(int maximumLength)
    {
        Require.That(Embedding is { VocabularySize: > 0, Width: > 0 } && Blocks.Count > 0 && maximumLength > 0,
            $"model: sizes must be positive, but vocabulary {Embedding.VocabularySize}, width {Embedding.Width}, layers {Blocks.Count}, length {maximumLength}");
        Embedding.Validate(maximumLength);
        Norm?.Validate();
        foreach (BlockConfig block in Blocks)
        {
            block.Validate();
            Require.That(Bias is null || (block.Mixer as AttentionConfig)?.Heads == Bias.Heads,
                $"positions: a bias for {Bias?.Heads} heads does not fit {(block.Mixer as AttentionConfig)?.Heads}");
        }
        Require.That(Bias is not BucketBias buckets || (buckets.Buckets >= 4 && buckets.MaximumDistance > buckets.Buckets),
            $"positions: buckets must be at least 4 and fewer than the largest distance, but the bias is {Bias}");
    }
}

/// <summary>What is done to a row before the head's matrix: φ(x·W + b), then a norm.</summary>
/// <param name="Activation">φ.</param>
/// <param name="Norm">The norm.</param>
/// <param name="Bias">Whether there is b.</param>
public sealed record HeadTransform(Activation Activation, NormConfig Norm, bool Bias = true);

/// <summary>How rows become logits over the vocabulary.</summary>
/// <param name="Tied">Whether its matrix is the embedding's.</param>
public sealed record HeadConfig(bool Tied)
{
    /// <summary>Whether logits have a bias.</summary>
    public bool Bias { get; init; }

    /// <summary>What rows are multiplied with before.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>c of logits bent to c·tanh(l/c); 0 for none.</summary>
    public float Cap { get; init; }

    /// <summary>A layer before the matrix; null for none.</summary>
    public HeadTransform? Transform { get; init; }

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public void Validate()
    {
        Require.That(Scale is > 0 and < float.PositiveInfinity, $"head: the scale must be positive and finite, but it is {Scale}");
        Require.That(Cap is >= 0 and < float.PositiveInfinity, $"head: the cap must be at least 0 and finite, but it is {Cap}");
        Transform?.Norm.Validate();
    }
}
