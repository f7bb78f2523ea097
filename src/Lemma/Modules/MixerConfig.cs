using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>What moves between the positions of a sequence.</summary>
public abstract record MixerConfig
{
    // More than any model has: products of sizes stay within 32 bits, and a config from outside takes no memory before its weights are compared.
    private protected const int MostColumns = 1 << 26, WidestHead = 1 << 16;

    /// <summary>Checks every size and how they fit; the error names the rule and both values.</summary>
    public abstract void Validate();

    /// <summary>Whether later positions of a prefix can be seen (<see cref="Sequences.Rows.Prefixes"/>).</summary>
    internal virtual bool SeesPrefixes => true;

    /// <summary>The module of this choice, with its parameters declared in a scope.</summary>
    internal abstract Mixer Make(Scope scope, int width);
}

/// <summary>Which keys a query may see.</summary>
public enum MaskKind
{
    /// <summary>Those up to its own position.</summary>
    Causal,

    /// <summary>All of its sequence.</summary>
    None,
}

/// <summary>How far each head looks back is learned: a key at distance x weighs clip((z + R − x)/R, 0, 1) more or less.</summary>
/// <remarks>Steps keep z between 0 and the longest sequence. Sukhbaatar et al. 2019, section 3.</remarks>
/// <param name="First">z of every head before training, in positions.</param>
/// <param name="Ramp">R: positions over which a head fades out.</param>
public sealed record AdaptiveSpanConfig(float First, float Ramp)
{
    /// <summary>Checks both numbers; the error names the rule and the values.</summary>
    public void Validate() => Require.That(First is >= 0 and < float.PositiveInfinity && Ramp is > 0 and < float.PositiveInfinity,
        $"attention: a learned span must have a finite ramp above 0 and a finite first span of at least 0, but they are {Ramp} and {First}");
}

/// <summary>Multi-head attention; with fewer key and value heads than heads it is grouped-query, with one multi-query.</summary>
public sealed record AttentionConfig : MixerConfig
{
    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; it divides <see cref="Heads"/>.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>The width of one head.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>What scores are multiplied with; null for 1/√(head width).</summary>
    public float? Scale { get; init; }

    /// <summary>How many positions back a query sees, itself included, and as many ahead where the mask hides none; null for all.</summary>
    public int? Window { get; init; }

    /// <summary>Which keys a query may see.</summary>
    public MaskKind Mask { get; init; }

    /// <summary>Rotary positions; null for none.</summary>
    public RotaryConfig? Rotary { get; init; }

    /// <summary>The norm of queries and keys before they turn; null for none.</summary>
    public NormConfig? QueryKeyNorm { get; init; }

    /// <summary>Whether that norm is of all heads of a row together, else of each head.</summary>
    public bool NormsWholeRows { get; init; }

    /// <summary>The norm of each head's values; null for none.</summary>
    public NormConfig? ValueNorm { get; init; }

    /// <summary>Whether σ of a further projection of the row scales what the heads give, column by column.</summary>
    public bool OutputGate { get; init; }

    /// <summary>c of scores bent to c·tanh(s/c); 0 for none.</summary>
    public float ScoreCap { get; init; }

    /// <summary>Whether each head has a learned logit that takes weight and gives no value.</summary>
    public bool Sinks { get; init; }

    /// <summary>Which keys each head sees among those that the mask and the window leave: a window a head, or sparse blocks; null for all.</summary>
    public AttentionPattern? Pattern { get; init; }

    /// <summary>A learned span of positions a head; null for none.</summary>
    public AdaptiveSpanConfig? Span { get; init; }

    /// <summary>Whether the projections to queries, keys and values have a bias.</summary>
    public bool InputBias { get; init; }

    /// <summary>Whether the projection of the output has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.That(Heads > 0 && KeyValueHeads > 0 && HeadWidth > 0,
            $"attention: sizes must be positive, but heads {Heads}, key/value heads {KeyValueHeads}, head width {HeadWidth}");
        Require.That(HeadWidth <= WidestHead && (long)Heads * HeadWidth <= MostColumns,
            $"attention: {Heads} heads of {HeadWidth} columns are beyond {MostColumns} columns, or a head is beyond {WidestHead}");
        Require.That(Heads % KeyValueHeads == 0, $"attention: {KeyValueHeads} key/value heads do not divide {Heads} heads");
        Rotary?.Validate(HeadWidth);
        Require.That(Window is null or > 0, $"attention: the window must be positive, but it is {Window}");
        Require.That(Scale is null or (> 0 and < float.PositiveInfinity), $"attention: the scale must be positive and finite, but it is {Scale}");
        Require.That(ScoreCap is >= 0 and < float.PositiveInfinity, $"attention: the cap of scores must be at least 0 and finite, but it is {ScoreCap}");
        Span?.Validate();
        Require.That(Span is null || Mask == MaskKind.Causal, $"attention: a learned span needs a causal mask, but it is {Mask}");
        ToHeads().Validate();
        Require.That(Pattern is not DualChunk || (Rotary is { Width: null, Scaling.DependsOnLength: false } && Span is null && ScoreCap == 0 && !Sinks),
            $"attention: chunks need rotary positions of whole heads, whose angles do not depend on the length, and have no span, cap or sinks");
        QueryKeyNorm?.Validate();
        ValueNorm?.Validate();
    }

    /// <summary>Splits a width over heads; the error names both values.</summary>
    public static int HeadWidthOf(int width, int heads)
    {
        Require.That(heads > 0 && width % heads == 0, $"attention: {heads} heads do not divide d_model {width}");
        return width / heads;
    }

    // Windows, patterns and spans say which earlier keys are near, and nothing of later ones.
    internal override bool SeesPrefixes => Mask == MaskKind.None || (Window is null && Pattern is null && Span is null);

    internal override Mixer Make(Scope scope, int width) => new AttentionMixer(this, scope, width);

    internal AttentionHeads ToHeads() => new(Heads, KeyValueHeads, HeadWidth, Mask == MaskKind.Causal, Window ?? 0) { Scale = Scale, Pattern = Pattern };
}

/// <summary>Linear attention: weights φ(q)·φ(k) instead of e^(q·k), so that a matrix a head is all that is kept of a sequence.</summary>
/// <remarks>Katharopoulos et al. 2020. It has no positions of its own.</remarks>
public sealed record LinearAttentionConfig : MixerConfig
{
    /// <summary>Heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of a head's query and key.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>The width of a head's value.</summary>
    public required int ValueWidth { get; init; }

    /// <summary>Whether the projections to queries, keys and values have a bias.</summary>
    public bool InputBias { get; init; }

    /// <summary>Whether the projection of the output has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.That(Heads > 0 && HeadWidth > 0 && ValueWidth > 0,
            $"linear_attention: sizes must be positive, but heads {Heads}, widths {HeadWidth} and {ValueWidth}");
        Require.That(Math.Max(HeadWidth, ValueWidth) <= WidestHead && (long)Heads * Math.Max(HeadWidth, ValueWidth) <= MostColumns,
            $"linear_attention: {Heads} heads of {HeadWidth} and {ValueWidth} columns are beyond {MostColumns} columns, or a head is beyond {WidestHead}");
    }

    internal override bool SeesPrefixes => false;

    internal override Mixer Make(Scope scope, int width) => new LinearMixer(this, scope, width);
}

/// <summary>Latent attention (MLA): keys and values of all heads are made from one narrow latent row, which is all that is kept of a token.</summary>
/// <remarks>DeepSeek-AI 2024, DeepSeek-V2, section 2.1.</remarks>
public sealed record LatentAttentionConfig : MixerConfig
{
    /// <summary>Heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of the latent that queries are made from; null to make them from the row itself.</summary>
    public int? QueryRank { get; init; }

    /// <summary>The width of the latent that keys and values are made from.</summary>
    public required int KeyValueRank { get; init; }

    /// <summary>Columns of a head's query and key that do not turn.</summary>
    public required int PlainWidth { get; init; }

    /// <summary>Columns of a head's query and key that turn; the key's are shared by all heads.</summary>
    public required int RotaryWidth { get; init; }

    /// <summary>The width of a head's value.</summary>
    public required int ValueWidth { get; init; }

    /// <summary>The turn.</summary>
    public required RotaryConfig Rotary { get; init; }

    /// <summary>The norm of both latents.</summary>
    public required NormConfig Norm { get; init; }

    /// <summary>What scores are multiplied with; null for 1/√(query width).</summary>
    public float? Scale { get; init; }

    /// <summary>Whether the projections of the row have a bias.</summary>
    public bool Bias { get; init; }

    /// <summary>The width of a head's query and key.</summary>
    public int HeadWidth => PlainWidth + RotaryWidth;

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.That(Heads > 0 && QueryRank is null or > 0 && KeyValueRank > 0 && PlainWidth > 0 && RotaryWidth > 0 && ValueWidth > 0,
            $"latent_attention: sizes must be positive, but heads {Heads}, ranks {QueryRank} and {KeyValueRank}, widths {PlainWidth}, {RotaryWidth} "
            + $"and {ValueWidth}");
        Require.That(Math.Max(Math.Max(PlainWidth, RotaryWidth), ValueWidth) <= WidestHead && Math.Max(QueryRank ?? 0, KeyValueRank) <= MostColumns
            && Heads * ((long)PlainWidth + RotaryWidth + ValueWidth) <= MostColumns,
            $"latent_attention: {Heads} heads of {PlainWidth} + {RotaryWidth} and {ValueWidth} columns are beyond {MostColumns} columns, or a head is "
            + $"beyond {WidestHead}");
        Rotary.Validate(RotaryWidth);
        Require.That(Scale is null or (> 0 and < float.PositiveInfinity), $"latent_attention: the scale must be positive and finite, but it is {Scale}");
        Norm.Validate();
    }

    internal override Mixer Make(Scope scope, int width) => new LatentMixer(this, scope, width);
}
