using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>Configs by name: the published shapes, and small ones to train from scratch.</summary>
public static class Presets
{
    private static readonly Dictionary<string, Func<int?, DecoderConfig>> ByName = new()
    {
        ["gpt2-124m"] = vocabulary => Gpt2(vocabulary ?? 50257, width: 768, layers: 12, heads: 12, length: 1024),
        ["llama-14m"] = vocabulary => Llama(vocabulary ?? 4096, width: 384, layers: 6, heads: 6, hidden: 1024, length: 2048),
        ["llama-29m"] = vocabulary => Llama(vocabulary ?? 8192, width: 512, layers: 8, heads: 8, hidden: 1408, length: 2048),
        ["llama-135m"] = vocabulary => Llama(vocabulary ?? 49152, width: 576, layers: 30, heads: 9, hidden: 1536, length: 8192, keyValueHeads: 3) with
        {
            Head = new HeadConfig(Tied: true),
        },
        ["nanochat-d4"] = vocabulary => NanoChat(vocabulary ?? 32768, depth: 4),
        ["nanochat-d6"] = vocabulary => NanoChat(vocabulary ?? 32768, depth: 6),
        ["tiny"] = vocabulary => Tiny(vocabulary ?? 1024),
        ["small"] = vocabulary => Small(vocabulary ?? 4096),
        ["char"] = vocabulary => Characters(vocabulary ?? 256),
    };

    /// <summary>The names that <see cref="Find"/> knows.</summary>
    public static IReadOnlyCollection<string> Names => ByName.Keys;

    /// <summary>The config of a name, or null; the vocabulary's size replaces the preset's own.</summary>
    public static DecoderConfig? Find(string name, int? vocabularySize = null) =>
        ByName.TryGetValue(name, out Func<int?, DecoderConfig>? make) ? make(vocabularySize).Validate() : null;

    /// <summary>Llama's shape at width 128 with 4 layers: about 0.8 million parameters beside the vocabulary's, minutes on a
    /// laptop.</summary>
    public static DecoderConfig Tiny(int vocabularySize) =>
        Llama(vocabularySize, width: 128, layers: 4, heads: 4, hidden: 352, length: 256) with { Head = new HeadConfig(Tied: true) };

    /// <summary>Llama's shape at width 256 with 6 layers: about 4.7 million parameters beside the vocabulary's, an hour on a
    /// laptop.</summary>
    public static DecoderConfig Small(int vocabularySize) =>
        Llama(vocabularySize, width: 256, layers: 6, heads: 8, hidden: 688, length: 512) with { Head = new HeadConfig(Tied: true) };

    /// <summary>GPT-2's shape for single characters: 4 layers, 4 heads, width 128, length 64.</summary>
    public static DecoderConfig Characters(int vocabularySize) => Gpt2(vocabularySize, width: 128, layers: 4, heads: 4, length: 64);

    /// <summary>A decoder of GPT-2's shape with a feed-forward of four times the width, tied head and no dropout.</summary>
    public static DecoderConfig Gpt2(int vocabularySize, int width, int layers, int heads, int length) => new()
    {
        MaximumLength = length,
        Stack = new StackConfig
        {
            Embedding = new EmbeddingConfig { VocabularySize = vocabularySize, Width = width, LearnedPositions = length },
            Blocks = [.. Enumerable.Repeat(new BlockConfig
            {
                Mixer = new AttentionConfig
                {
                    Heads = heads,
                    KeyValueHeads = heads,
                    HeadWidth = AttentionConfig.HeadWidthOf(width, heads),
                    InputBias = true,
                    OutputBias = true,
                },
                FeedForward = new PlainFeedForward(4 * width, Activation.GeluTanh, Bias: true),
                Before = new LayerNormConfig(),
            }, layers)],
            Norm = new LayerNormConfig(),
        },
        Head = new HeadConfig(Tied: true),
    };

    /// <summary>An encoder of BERT's shape with a head for masked tokens and no dropout.</summary>
    /// <param name="vocabularySize">How many ids there are.</param>
    /// <param name="width">The width of the residual stream.</param>
    /// <param name="layers">Blocks.</param>
    /// <param name="heads">Heads of attention.</param>
    /// <param name="hidden">The inner width of the feed-forward.</param>
    /// <param name="length">The longest text.</param>
    /// <param name="classes">Classes of a text: 2 for whether its second part follows the first; 0 for none.</param>
    public static EncoderConfig Bert(int vocabularySize, int width, int layers, int heads, int hidden, int length, int classes = 0)
    {
        LayerNormConfig norm = new(1e-12f);
        return new EncoderConfig
        {
            MaximumLength = length,
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = vocabularySize, Width = width, LearnedPositions = length, TokenTypes = 2, Norm = norm },
                Blocks = [.. Enumerable.Repeat(new BlockConfig
                {
                    Mixer = new AttentionConfig
                    {
                        Heads = heads,
                        KeyValueHeads = heads,
                        HeadWidth = AttentionConfig.HeadWidthOf(width, heads),
                        Mask = MaskKind.None,
                        InputBias = true,
                        OutputBias = true,
                    },
                    FeedForward = new PlainFeedForward(hidden, Activation.Gelu, Bias: true),
                    AfterSum = norm,
                }, layers)],
            },
            Head = new HeadConfig(Tied: true) { Bias = true, Transform = new HeadTransform(Activation.Gelu, norm) },
            Pooler = classes > 0,
            Classes = classes,
        };
    }

    /// <summary>An encoder and a decoder of T5's shape with their own head, a gated feed-forward and no dropout, for texts of any length.</summary>
    /// <param name="vocabularySize">How many ids there are; 0 begins a target and 1 ends it, as in T5's vocabulary.</param>
    /// <param name="width">The width of the residual stream.</param>
    /// <param name="layers">Blocks of each.</param>
    /// <param name="heads">Heads of attention.</param>
    /// <param name="hidden">The inner width of the feed-forward.</param>
    public static EncoderDecoderConfig T5(int vocabularySize, int width, int layers, int heads, int hidden)
    {
        RmsNormConfig norm = new(1e-6f);
        AttentionConfig attention = new() { Heads = heads, KeyValueHeads = heads, HeadWidth = AttentionConfig.HeadWidthOf(width, heads), Scale = 1 };
        BlockConfig block = new() { Mixer = attention, FeedForward = new GatedFeedForward(hidden, Activation.GeluTanh), Before = norm };
        StackConfig encoder = new()
        {
            Embedding = new EmbeddingConfig { VocabularySize = vocabularySize, Width = width },
            Blocks = [.. Enumerable.Repeat(block with { Mixer = attention with { Mask = MaskKind.None } }, layers)],
            Norm = norm,
            Bias = new BucketBias(heads),
        };
        return new EncoderDecoderConfig
        {
            MaximumLength = 1 << 20,
            Encoder = encoder,
            Decoder = encoder with { Blocks = [.. Enumerable.Repeat(block with { Cross = attention with { Mask = MaskKind.None } }, layers)] },
            Head = new HeadConfig(Tied: false),
            DecoderBeginId = 0,
            EndId = 1,
        };
    }

    /// <summary>A decoder of Llama's shape with its own head and no dropout.</summary>
    public static DecoderConfig Llama(int vocabularySize, int width, int layers, int heads, int hidden, int length, int? keyValueHeads = null) => new()
    {
        MaximumLength = length,
        Stack = new StackConfig
        {
            Embedding = new EmbeddingConfig { VocabularySize = vocabularySize, Width = width },
            Blocks = [.. Enumerable.Repeat(new BlockConfig
            {
                Mixer = new AttentionConfig
                {
                    Heads = heads,
                    KeyValueHeads = keyValueHeads ?? heads,
                    HeadWidth = AttentionConfig.HeadWidthOf(width, heads),
                    Rotary = new RotaryConfig(),
                },
                FeedForward = new GatedFeedForward(hidden),
                Before = new RmsNormConfig(),
            }, layers)],
            Norm = new RmsNormConfig(),
        },
        Head = new HeadConfig(Tied: false),
    };

    /// <summary>nanochat's shape of a depth: width 64·depth in heads of 64, norms without gains, squared ReLU, no biases, an own head with bent logits.</summary>
    /// <remarks>Source: karpathy/nanochat, scripts/base_train.py with --head-dim 64 and --window-pattern L, as its runs/runcpu.sh has them.</remarks>
    public static DecoderConfig NanoChat(int vocabularySize, int depth)
    {
        Require.That(depth > 0, $"preset: the depth must be positive, but it is {depth}");
        const int HeadWidth = 64;
        RmsNormConfig norm = new(1e-6f, Gain: false);
        return new()
        {
            MaximumLength = 2048,
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = vocabularySize, Width = HeadWidth * depth, Norm = norm },
                Blocks = [.. Enumerable.Repeat(new BlockConfig
                {
                    Mixer = new AttentionConfig { Heads = depth, KeyValueHeads = depth, HeadWidth = HeadWidth, Rotary = new RotaryConfig(), QueryKeyNorm = norm },
                    FeedForward = new PlainFeedForward(4 * HeadWidth * depth, Activation.SquaredRelu, Bias: false),
                    Before = norm,
                }, depth)],
                Norm = norm,
            },
            Head = new HeadConfig(Tied: false) { Cap = 15 },
        };
    }
}
