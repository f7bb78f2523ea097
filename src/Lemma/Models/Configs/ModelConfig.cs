using Lemma.Modules;

namespace Lemma.Models;

/// <summary>Everything that makes a model: immutable, checked once by <see cref="Validate"/>.</summary>
public abstract record ModelConfig
{
    /// <summary>The longest sequence, in tokens.</summary>
    public required int MaximumLength { get; init; }

    /// <summary>The probability to drop an activation (embedding, and the branches of each block) while training.</summary>
    public float Dropout { get; init; }

    /// <summary>The id that begins a text, if the vocabulary has one.</summary>
    public int? BeginId { get; init; }

    /// <summary>The id that ends a text, if the vocabulary has one.</summary>
    public int? EndId { get; init; }

    /// <summary>Further ids that end a text or a turn.</summary>
    public ValueList<int> FurtherEndIds { get; init; } = [];

    /// <summary>All ids that end a text.</summary>
    public IReadOnlyList<int> EndIds => EndId is { } end ? [end, .. FurtherEndIds] : FurtherEndIds;

    /// <summary>How many ids there are.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>All blocks of all stacks.</summary>
    internal abstract IEnumerable<BlockConfig> AllBlocks { get; }

    /// <summary>Checks every size and how they fit; the error names the rule and both values.</summary>
    public abstract ModelConfig Validate();

    /// <summary>A model of this config; its parameters are declared and not yet allocated.</summary>
    internal abstract Model Declare();

    private protected void RefuseBalanceLoss() => Require.That(AllBlocks.All(block => block.FeedForward is not ExpertsFeedForward { BalanceWeight: > 0 }),
        $"model: only a decoder's loss has the balance loss of experts");

    private protected static void RefuseCross(StackConfig stack, string what) =>
        Require.That(stack.Blocks.All(block => block.Cross is null), $"{what}: its blocks have no other rows to attend to");

    private protected void ValidateDropout() =>
        Require.That(Dropout is >= 0 and < 1, $"dropout: the probability must be in [0, 1), but it is {Dropout}");
}

/// <summary>A decoder: a stack of causal blocks and a head over the vocabulary.</summary>
public sealed record DecoderConfig : ModelConfig
{
    /// <summary>Embedding and blocks.</summary>
    public required StackConfig Stack { get; init; }

    /// <summary>The head.</summary>
    public required HeadConfig Head { get; init; }

    /// <summary>Numbers a row beside the logits: a reward of a text, the value of a state; 0 for none.</summary>
    public int Scores { get; init; }

    /// <inheritdoc/>
    public override int VocabularySize => Stack.Embedding.VocabularySize;

    /// <summary>The width d of the residual stream.</summary>
    public int Width => Stack.Embedding.Width;

    /// <summary>How many blocks.</summary>
    public int Layers => Stack.Blocks.Count;

    internal override IEnumerable<BlockConfig> AllBlocks => Stack.Blocks;

    /// <inheritdoc/>
    public override DecoderConfig Validate()
    {
        Stack.Validate(MaximumLength);
        Head.Validate();
        ValidateDropout();
        Require.That(Scores >= 0, $"decoder: the numbers a row must not be negative, but they are {Scores}");
        foreach (BlockConfig block in Stack.Blocks)
            Require.That(block.Mixer is not AttentionConfig { Mask: not MaskKind.Causal } && block.Cross is null,
                $"decoder: its blocks must be causal, without cross attention");
        (float, int, int)[] balanced = [.. Experts.Select(experts => (experts.BalanceWeight, experts.Routing.Experts, experts.Routing.Chosen)).Distinct()];
        Require.That(balanced.Length < 2 || balanced.All(each => each.Item1 == 0),
            $"decoder: layers with a balance loss have one weight and as many experts, but weights, experts and chosen are {string.Join(" and ", balanced)}");
        return this;
    }

    /// <summary>The choices of the blocks with experts.</summary>
    internal IEnumerable<ExpertsFeedForward> Experts => Stack.Blocks.Select(block => block.FeedForward).OfType<ExpertsFeedForward>();

    /// <summary>The same with another number of blocks: those of this config over and over.</summary>
    public DecoderConfig WithLayers(int layers) => this with
    {
        Stack = Stack with { Blocks = [.. Enumerable.Range(0, Math.Max(0, layers)).Select(i => Stack.Blocks[i % Stack.Blocks.Count])] },
    };

    /// <summary>The same for another vocabulary.</summary>
    public DecoderConfig WithVocabulary(int size) => this with { Stack = Stack with { Embedding = Stack.Embedding with { VocabularySize = size } } };

    /// <summary>The same with every block changed.</summary>
    public DecoderConfig WithBlocks(Func<BlockConfig, BlockConfig> change) => this with { Stack = Stack with { Blocks = [.. Stack.Blocks.Select(change)] } };

    internal override Model Declare() => Decoder.Declared(this);
}

/// <summary>An encoder: a stack of blocks that see a whole sequence, and what is read from its rows.</summary>
public sealed record EncoderConfig : ModelConfig
{
    /// <summary>Embedding and blocks.</summary>
    public required StackConfig Stack { get; init; }

    /// <summary>The head that predicts masked tokens; null for none.</summary>
    public HeadConfig? Head { get; init; }

    /// <summary>Whether the first row goes through a layer with tanh that stands for the sequence.</summary>
    public bool Pooler { get; init; }

    /// <summary>Classes of the sequence, of its pooled row; 0 for none. With two and a head: whether the second part follows the first.</summary>
    public int Classes { get; init; }

    /// <inheritdoc/>
    public override int VocabularySize => Stack.Embedding.VocabularySize;

    internal override IEnumerable<BlockConfig> AllBlocks => Stack.Blocks;

    /// <inheritdoc/>
    public override EncoderConfig Validate()
    {
        Stack.Validate(MaximumLength);
        Head?.Validate();
        ValidateDropout();
        RefuseBalanceLoss();
        RefuseCross(Stack, "encoder");
        Require.That(Classes >= 0 && (Classes == 0 || Pooler), $"encoder: {Classes} classes need a pooler");
        return this;
    }

    internal override Model Declare() => Encoder.Declared(this);
}

/// <summary>An encoder and a decoder that attends to its rows; both read one vocabulary.</summary>
public sealed record EncoderDecoderConfig : ModelConfig
{
    /// <summary>The encoder.</summary>
    public required StackConfig Encoder { get; init; }

    /// <summary>The decoder; its blocks have <see cref="BlockConfig.Cross"/>.</summary>
    public required StackConfig Decoder { get; init; }

    /// <summary>The head.</summary>
    public required HeadConfig Head { get; init; }

    /// <summary>The id that the decoder begins with.</summary>
    public required int DecoderBeginId { get; init; }

    /// <inheritdoc/>
    public override int VocabularySize => Encoder.Embedding.VocabularySize;

    internal override IEnumerable<BlockConfig> AllBlocks => Encoder.Blocks.Concat(Decoder.Blocks);

    /// <inheritdoc/>
    public override EncoderDecoderConfig Validate()
    {
        Encoder.Validate(MaximumLength);
        Decoder.Validate(MaximumLength);
        Head.Validate();
        ValidateDropout();
        RefuseBalanceLoss();
        RefuseCross(Encoder, "encoder_decoder: the encoder");
        Require.That(Encoder.Embedding.VocabularySize == Decoder.Embedding.VocabularySize && Encoder.Embedding.Width == Decoder.Embedding.Width,
            $"encoder_decoder: both stacks share their embedding, but they are {Encoder.Embedding} and {Decoder.Embedding}");
        Require.That((uint)DecoderBeginId < (uint)VocabularySize, $"encoder_decoder: the id {DecoderBeginId} is not in the vocabulary of {VocabularySize}");
        foreach (BlockConfig block in Decoder.Blocks)
            Require.That(block.Cross is not null && block.Mixer is not AttentionConfig { Mask: not MaskKind.Causal },
                $"encoder_decoder: the decoder's blocks must be causal and have cross attention");
        return this;
    }

    internal override Model Declare() => EncoderDecoder.Declared(this);
}
