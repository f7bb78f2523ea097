using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>How a row of activations is normalized.</summary>
/// <param name="Epsilon">Added to the variance or mean square, inside the root.</param>
public abstract record NormConfig(float Epsilon);

/// <summary>y = (x − μ)/√(σ² + ε)·γ + β.</summary>
public sealed record LayerNormConfig(float Epsilon = 1e-5f) : NormConfig(Epsilon);

/// <summary>y = x/√(mean x² + ε)·g.</summary>
public sealed record RmsNormConfig(float Epsilon = 1e-5f) : NormConfig(Epsilon);

/// <summary>How a token's position enters the model.</summary>
public abstract record PositionConfig;

/// <summary>A learned vector a position, added to the embedding.</summary>
public sealed record LearnedPositions : PositionConfig;

/// <summary>Rotary positions: pairs of each query and key are turned by m·θ^(−2i/d).</summary>
/// <param name="Theta">The base θ.</param>
/// <param name="Interleaved">Whether a pair is (2i, 2i+1), as published, or (i, i + d/2), as checkpoints store it.</param>
public sealed record RotaryPositions(float Theta = 10000f, bool Interleaved = false) : PositionConfig;

/// <summary>The attention of every block.</summary>
public sealed record AttentionConfig
{
    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; it divides <see cref="Heads"/>.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>The width of one head.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>How many positions back a query sees, itself included; null for all.</summary>
    public int? Window { get; init; }

    /// <summary>Whether the projections to queries, keys and values have a bias.</summary>
    public bool InputBias { get; init; }

    /// <summary>Whether the projection of the output has a bias.</summary>
    public bool OutputBias { get; init; }
}

/// <summary>The feed-forward layer of every block.</summary>
/// <param name="HiddenWidth">The inner width d_ff.</param>
/// <param name="Bias">Whether its linear layers have a bias.</param>
public abstract record FeedForwardConfig(int HiddenWidth, bool Bias);

/// <summary>φ(xW₁ + b₁)W₂ + b₂.</summary>
public sealed record PlainFeedForward(int HiddenWidth, Activation Activation, bool Bias) : FeedForwardConfig(HiddenWidth, Bias);

/// <summary>(silu(xW₁) ∘ xW₂)W₃.</summary>
public sealed record SwiGluFeedForward(int HiddenWidth) : FeedForwardConfig(HiddenWidth, false);

/// <summary>Everything that makes a decoder: immutable, checked once by <see cref="Validate"/>.</summary>
public sealed record DecoderConfig
{
    /// <summary>The family whose files this config is read from and written as: "gpt2" or "llama".</summary>
    public required string Family { get; init; }

    /// <summary>How many ids there are.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The width d of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>How many blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>The longest sequence, in tokens.</summary>
    public required int MaximumLength { get; init; }

    /// <summary>The norm before attention, before the feed-forward and at the end.</summary>
    public required NormConfig Norm { get; init; }

    /// <summary>Positions.</summary>
    public required PositionConfig Positions { get; init; }

    /// <summary>Attention.</summary>
    public required AttentionConfig Attention { get; init; }

    /// <summary>Feed-forward.</summary>
    public required FeedForwardConfig FeedForward { get; init; }

    /// <summary>Whether the head is the embedding's matrix.</summary>
    public bool TiedHead { get; init; }

    /// <summary>The probability to drop an activation (embedding, and both branches of each block) while training.</summary>
    public float Dropout { get; init; }

    /// <summary>The id that begins a text, if the vocabulary has one.</summary>
    public int? BeginId { get; init; }

    /// <summary>The id that ends a text, if the vocabulary has one.</summary>
    public int? EndId { get; init; }

    /// <summary>Further ids that end a text or a turn.</summary>
    public IReadOnlyList<int> FurtherEndIds { get; init; } = [];

    /// <summary>All ids that end a text.</summary>
    public IReadOnlyList<int> EndIds => EndId is { } end ? [end, .. FurtherEndIds] : FurtherEndIds;

    /// <summary>Checks every size and how they fit; the error names the rule and both values.</summary>
    public DecoderConfig Validate()
    {
        Require.That(VocabularySize > 0 && Width > 0 && Layers > 0 && MaximumLength > 0,
            $"decoder: sizes must be positive, but vocabulary {VocabularySize}, width {Width}, layers {Layers}, length {MaximumLength}");
        Require.That(Attention.Heads > 0 && Attention.KeyValueHeads > 0 && Attention.HeadWidth > 0,
            $"attention: sizes must be positive, but heads {Attention.Heads}, key/value heads {Attention.KeyValueHeads}, head width {Attention.HeadWidth}");
        Require.That(Attention.Heads % Attention.KeyValueHeads == 0,
            $"attention: {Attention.KeyValueHeads} key/value heads do not divide {Attention.Heads} heads");
        Require.That(Positions is not RotaryPositions || Attention.HeadWidth % 2 == 0,
            $"rope: the head width must be even, but it is {Attention.HeadWidth}");
        Require.That(Attention.Window is null or > 0, $"attention: the window must be positive, but it is {Attention.Window}");
        Require.That(FeedForward.HiddenWidth > 0, $"feed_forward: the hidden width must be positive, but it is {FeedForward.HiddenWidth}");
        Require.That(Dropout is >= 0 and < 1, $"dropout: the probability must be in [0, 1), but it is {Dropout}");
        Require.That(Norm.Epsilon > 0, $"norm: epsilon must be positive, but it is {Norm.Epsilon}");
        return this;
    }

    /// <summary>Splits a width over heads; the error names both values.</summary>
    public static int HeadWidthOf(int width, int heads)
    {
        Require.That(heads > 0 && width % heads == 0, $"attention: {heads} heads do not divide d_model {width}");
        return width / heads;
    }
}
