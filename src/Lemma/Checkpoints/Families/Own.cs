using System.Text.Json;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;
using Lemma.Weights;
using GatedFeedForward = Lemma.Modules.GatedFeedForward;

namespace Lemma.Checkpoints;

/// <summary>Lemma's own files: the config as its records nest, the weights under the names of their parameters; for what no other family can say.</summary>
internal sealed class Own : Family
{
    private static readonly ConfigKind<ModelConfig>[] Models =
    [
        ConfigKind<ModelConfig>.Of<DecoderConfig>("decoder", Decoder),
        ConfigKind<ModelConfig>.Of<EncoderConfig>("encoder", Encoder),
        ConfigKind<ModelConfig>.Of<EncoderDecoderConfig>("encoder_decoder", EncoderDecoder),
    ];

    private static readonly ConfigKind<MixerConfig>[] Mixers =
    [
        ConfigKind<MixerConfig>.Of<AttentionConfig>("attention", Attention),
        ConfigKind<MixerConfig>.Of<LatentAttentionConfig>("latent_attention", LatentAttention),
        ConfigKind<MixerConfig>.Of<LinearAttentionConfig>("linear_attention", LinearAttention),
        ConfigKind<MixerConfig>.Of<ShortConvolutionConfig>("short_convolution", (f, c) => new()
        {
            Kernel = f.Integer("kernel", c?.Kernel),
            Bias = f.Flag("bias", c?.Bias),
        }),
        ConfigKind<MixerConfig>.Of<GatedDeltaConfig>("gated_delta", GatedDelta),
    ];

    private static readonly ConfigKind<FeedForwardConfig>[] FeedForwards =
    [
        ConfigKind<FeedForwardConfig>.Of<PlainFeedForward>("plain", (f, c) =>
            new(f.Integer("hidden_width", c?.HiddenWidth), f.Choice("activation", c?.Activation), f.Flag("bias", c?.Bias))),
        ConfigKind<FeedForwardConfig>.Of<GatedFeedForward>("gated", Gated),
        ConfigKind<FeedForwardConfig>.Of<ExpertsFeedForward>("experts", Experts),
    ];

    private static readonly ConfigKind<NormConfig>[] Norms =
    [
        ConfigKind<NormConfig>.Of<LayerNormConfig>("layer_norm", (f, c) => new(f.Single("epsilon", c?.Epsilon, 1e-5f), f.Flag("bias", c?.Bias, true))),
        ConfigKind<NormConfig>.Of<RmsNormConfig>("rms_norm", RmsNorm),
    ];

    private static readonly ConfigKind<PositionBiasConfig>[] Biases =
    [
        ConfigKind<PositionBiasConfig>.Of<BucketBias>("buckets", (f, c) => new(f.Integer("heads", c?.Heads), f.Integer("buckets", c?.Buckets, 32),
            f.Integer("maximum_distance", c?.MaximumDistance, 128))),
        ConfigKind<PositionBiasConfig>.Of<SlopeBias>("slopes", (f, c) => new(f.Integer("heads", c?.Heads))),
    ];

    private static readonly ConfigKind<AttentionPattern>[] Patterns =
    [
        ConfigKind<AttentionPattern>.Of<MultiScaleWindows>("windows", (f, c) => new(f.Integers("windows", c?.Windows))),
        ConfigKind<AttentionPattern>.Of<BlockSparse>("block_sparse", (f, c) => new(f.Integer("block", c?.Block), f.Integer("local", c?.Local, 1),
            f.Integer("stride", c?.Stride, 0), f.Integer("global", c?.Global, 1), f.Integer("random", c?.Random, 0), f.Unsigned("seed", c?.Seed, 1))),
        ConfigKind<AttentionPattern>.Of<DualChunk>("dual_chunk", (f, c) =>
            new(f.Integer("chunk", c?.Chunk), f.Integer("trained_length", c?.TrainedLength))),
    ];

    private static readonly ConfigKind<RopeScaling>[] Scalings =
    [
        ConfigKind<RopeScaling>.Of<LinearRopeScaling>("linear", (f, c) => new(f.Double("factor", c?.Factor))),
        ConfigKind<RopeScaling>.Of<NtkRopeScaling>("ntk", (f, c) => new(f.Double("factor", c?.Factor))),
        ConfigKind<RopeScaling>.Of<DynamicNtkRopeScaling>("dynamic_ntk", (f, c) =>
            new(f.Double("factor", c?.Factor), f.Integer("trained_length", c?.TrainedLength))),
        ConfigKind<RopeScaling>.Of<YarnRopeScaling>("yarn", (f, c) => new(f.Double("factor", c?.Factor), f.Integer("trained_length", c?.TrainedLength),
            f.Double("fast_turns", c?.FastTurns, 32), f.Double("slow_turns", c?.SlowTurns, 1))
        {
            AttentionFactor = f.DoubleOrNull("attention_factor", c?.AttentionFactor),
            WholePairs = f.Flag("whole_pairs", c?.WholePairs, true),
        }),
        ConfigKind<RopeScaling>.Of<Llama3RopeScaling>("llama3", (f, c) => new(f.Double("factor", c?.Factor), f.Double("low_factor", c?.LowFactor),
            f.Double("high_factor", c?.HighFactor), f.Integer("trained_length", c?.TrainedLength))),
        ConfigKind<RopeScaling>.Of<LongRopeScaling>("longrope", (f, c) => new(f.Doubles("short_factors", c?.ShortFactors),
            f.Doubles("long_factors", c?.LongFactors), f.Double("factor", c?.Factor), f.Integer("trained_length", c?.TrainedLength))
        {
            AttentionFactor = f.DoubleOrNull("attention_factor", c?.AttentionFactor),
        }),
        ConfigKind<RopeScaling>.Of<ProportionalRopeScaling>("proportional", (f, c) =>
            new(f.Double("share", c?.Share), f.Double("factor", c?.Factor, 1))),
    ];

    public override string Name => "lemma";

    protected override string Prefix => "";

    protected override bool SaysDropout => true;

    public override IReadOnlyList<string> TiedNames => [];

    protected override IReadOnlyList<string> IgnoredEndings => [];

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        using Model model = config.Declare();
        foreach (Parameter parameter in model.Parameters.All)
        {
            int rows = parameter.Shape.Rank == 1 ? parameter.Shape[0] : parameter.Shape.Rows;
            yield return WeightName.Whole(parameter.Name, parameter.Name, rows);
        }
    }

    public override bool Write(Utf8JsonWriter json, ModelConfig config)
    {
        json.WriteStartObject();
        json.WriteString("model_type", Name);
        WriteConfig(json, config);
        WriteIds(json, config);
        json.WriteEndObject();
        return true;
    }

    protected override string ArchitectureOf(ModelConfig config) => "";

    protected override ModelConfig ReadConfig(JsonSettings settings) =>
        WithIds(settings, ConfigFields.Read<ModelConfig>(settings, (fields, config) => fields.Kind(config, Models)), null, null);

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        ConfigFields.Write(json, config, (fields, value) => fields.Kind(value, Models));
        return true;
    }

    private static DecoderConfig Decoder(ConfigFields f, DecoderConfig? c) => new()
    {
        MaximumLength = f.Integer("maximum_length", c?.MaximumLength),
        Dropout = f.Single("dropout", c?.Dropout, 0),
        Stack = f.Part("stack", c?.Stack, Stack),
        Head = f.Part("head", c?.Head, Head),
        Scores = f.Integer("scores", c?.Scores, 0),
    };

    private static EncoderConfig Encoder(ConfigFields f, EncoderConfig? c) => new()
    {
        MaximumLength = f.Integer("maximum_length", c?.MaximumLength),
        Dropout = f.Single("dropout", c?.Dropout, 0),
        Stack = f.Part("stack", c?.Stack, Stack),
        Head = f.PartOrNull("head", c?.Head, Head),
        Pooler = f.Flag("pooler", c?.Pooler),
        Classes = f.Integer("classes", c?.Classes, 0),
    };

    private static EncoderDecoderConfig EncoderDecoder(ConfigFields f, EncoderDecoderConfig? c) => new()
    {
        MaximumLength = f.Integer("maximum_length", c?.MaximumLength),
        Dropout = f.Single("dropout", c?.Dropout, 0),
        Encoder = f.Part("encoder", c?.Encoder, Stack),
        Decoder = f.Part("decoder", c?.Decoder, Stack),
        Head = f.Part("head", c?.Head, Head),
        DecoderBeginId = f.Integer("decoder_begin_id", c?.DecoderBeginId),
    };

    private static StackConfig Stack(ConfigFields f, StackConfig? c) => new()
    {
        Embedding = f.Part("embedding", c?.Embedding, Embedding),
        Blocks = f.Parts("blocks", c?.Blocks, MostLayers, Block),
        Norm = Norm(f, "norm", c?.Norm),
        Bias = f.PartOrNull("bias", c?.Bias, (g, b) => g.Kind(b, Biases)),
    };

    private static EmbeddingConfig Embedding(ConfigFields f, EmbeddingConfig? c) => new()
    {
        VocabularySize = f.Integer("vocabulary_size", c?.VocabularySize),
        Width = f.Integer("width", c?.Width),
        LearnedPositions = f.Integer("learned_positions", c?.LearnedPositions, 0),
        PositionOffset = f.Integer("position_offset", c?.PositionOffset, 0),
        Sinusoidal = f.Flag("sinusoidal", c?.Sinusoidal),
        TokenTypes = f.Integer("token_types", c?.TokenTypes, 0),
        Scale = f.Single("scale", c?.Scale, 1),
        Norm = Norm(f, "norm", c?.Norm),
        PerBlock = f.PartOrNull<PerBlockEmbeddingConfig>("per_block", c?.PerBlock, (g, p) => new(g.Integer("width", p?.Width),
            g.Choice("activation", p?.Activation, Activation.GeluTanh), g.Part("norm", p?.Norm, (h, n) => h.Kind(n, Norms)))),
    };

    private static HeadConfig Head(ConfigFields f, HeadConfig? c) => new(f.Flag("tied", c?.Tied))
    {
        Bias = f.Flag("bias", c?.Bias),
        Scale = f.Single("scale", c?.Scale, 1),
        Cap = f.Single("cap", c?.Cap, 0),
        Transform = f.PartOrNull<HeadTransform>("transform", c?.Transform, (g, t) =>
            new(g.Choice("activation", t?.Activation), g.Part("norm", t?.Norm, (h, n) => h.Kind(n, Norms)), g.Flag("bias", t?.Bias, true))),
    };

    private static BlockConfig Block(ConfigFields f, BlockConfig? c) => new()
    {
        Mixer = f.Part("mixer", c?.Mixer, (g, m) => g.Kind(m, Mixers)),
        Cross = f.PartOrNull("cross", c?.Cross, Attention),
        FeedForward = f.Part("feed_forward", c?.FeedForward, (g, w) => g.Kind(w, FeedForwards)),
        Before = Norm(f, "before", c?.Before),
        MixerReadsStream = f.Flag("mixer_reads_stream", c?.MixerReadsStream),
        After = Norm(f, "after", c?.After),
        AfterSum = Norm(f, "after_sum", c?.AfterSum),
        Order = f.Choice("order", c?.Order, BranchOrder.Sequential),
        ResidualScale = f.Single("residual_scale", c?.ResidualScale, 1),
        OutputScale = f.Flag("output_scale", c?.OutputScale),
    };

    private static AttentionConfig Attention(ConfigFields f, AttentionConfig? c) => new()
    {
        Heads = f.Integer("heads", c?.Heads),
        KeyValueHeads = f.Integer("key_value_heads", c?.KeyValueHeads),
        HeadWidth = f.Integer("head_width", c?.HeadWidth),
        Scale = f.SingleOrNull("scale", c?.Scale),
        Window = f.IntegerOrNull("window", c?.Window),
        Mask = f.Choice("mask", c?.Mask, MaskKind.Causal),
        Rotary = f.PartOrNull("rotary", c?.Rotary, Rotary),
        QueryKeyNorm = Norm(f, "query_key_norm", c?.QueryKeyNorm),
        NormsWholeRows = f.Flag("norms_whole_rows", c?.NormsWholeRows),
        ValueNorm = Norm(f, "value_norm", c?.ValueNorm),
        OutputGate = f.Flag("output_gate", c?.OutputGate),
        ScoreCap = f.Single("score_cap", c?.ScoreCap, 0),
        Sinks = f.Flag("sinks", c?.Sinks),
        Pattern = f.PartOrNull("pattern", c?.Pattern, (g, p) => g.Kind(p, Patterns)),
        Span = f.PartOrNull<AdaptiveSpanConfig>("span", c?.Span, (g, s) => new(g.Single("first", s?.First), g.Single("ramp", s?.Ramp))),
        InputBias = f.Flag("input_bias", c?.InputBias),
        OutputBias = f.Flag("output_bias", c?.OutputBias),
    };

    private static LatentAttentionConfig LatentAttention(ConfigFields f, LatentAttentionConfig? c) => new()
    {
        Heads = f.Integer("heads", c?.Heads),
        QueryRank = f.IntegerOrNull("query_rank", c?.QueryRank),
        KeyValueRank = f.Integer("key_value_rank", c?.KeyValueRank),
        PlainWidth = f.Integer("plain_width", c?.PlainWidth),
        RotaryWidth = f.Integer("rotary_width", c?.RotaryWidth),
        ValueWidth = f.Integer("value_width", c?.ValueWidth),
        Rotary = f.Part("rotary", c?.Rotary, Rotary),
        Norm = f.Part("norm", c?.Norm, (g, n) => g.Kind(n, Norms)),
        Scale = f.SingleOrNull("scale", c?.Scale),
        Bias = f.Flag("bias", c?.Bias),
    };

    private static LinearAttentionConfig LinearAttention(ConfigFields f, LinearAttentionConfig? c) => new()
    {
        Heads = f.Integer("heads", c?.Heads),
        HeadWidth = f.Integer("head_width", c?.HeadWidth),
        ValueWidth = f.Integer("value_width", c?.ValueWidth),
        InputBias = f.Flag("input_bias", c?.InputBias),
        OutputBias = f.Flag("output_bias", c?.OutputBias),
    };

    private static GatedDeltaConfig GatedDelta(ConfigFields f, GatedDeltaConfig? c) => new()
    {
        KeyHeads = f.Integer("key_heads", c?.KeyHeads),
        Heads = f.Integer("heads", c?.Heads),
        HeadWidth = f.Integer("head_width", c?.HeadWidth),
        ValueWidth = f.Integer("value_width", c?.ValueWidth),
        Kernel = f.Integer("kernel", c?.Kernel),
        Norm = f.Part<RmsNormConfig>("norm", c?.Norm, RmsNorm),
        LengthEpsilon = f.Single("length_epsilon", c?.LengthEpsilon, 1e-6f),
    };

    private static RmsNormConfig RmsNorm(ConfigFields f, RmsNormConfig? c) =>
        new(f.Single("epsilon", c?.Epsilon, 1e-5f), f.Flag("one_plus_gain", c?.OnePlusGain), f.Flag("gain", c?.Gain, true));

    private static GatedFeedForward Gated(ConfigFields f, GatedFeedForward? c) =>
        new(f.Integer("hidden_width", c?.HiddenWidth), f.Choice("activation", c?.Activation, Activation.Silu), f.Flag("bias", c?.Bias));

    private static ExpertsFeedForward Experts(ConfigFields f, ExpertsFeedForward? c) =>
        new(f.Integer("hidden_width", c?.HiddenWidth), f.Part("routing", c?.Routing, Routing), f.Choice("activation", c?.Activation, Activation.Silu))
        {
            Shared = f.PartOrNull("shared", c?.Shared, Gated),
            SharedGate = f.Flag("shared_gate", c?.SharedGate),
            ChoiceBias = f.Flag("choice_bias", c?.ChoiceBias),
            RouterBias = f.Flag("router_bias", c?.RouterBias),
            Bias = f.Flag("bias", c?.Bias),
            Clamp = f.PartOrNull<ClampedGateConfig>("clamp", c?.Clamp, (g, l) => new(g.Single("limit", l?.Limit, 7), g.Single("alpha", l?.Alpha, 1.702f))),
            BalanceWeight = f.Single("balance_weight", c?.BalanceWeight, 0),
        };

    private static ExpertRouting Routing(ConfigFields f, ExpertRouting? c) => new()
    {
        Experts = f.Integer("experts", c?.Experts),
        Chosen = f.Integer("chosen", c?.Chosen),
        Score = f.Choice("score", c?.Score, RouterScore.Softmax),
        NormalizesChosen = f.Flag("normalizes_chosen", c?.NormalizesChosen),
        SoftmaxOverChosen = f.Flag("softmax_over_chosen", c?.SoftmaxOverChosen),
        Scale = f.Single("scale", c?.Scale, 1),
        Groups = f.Integer("groups", c?.Groups, 1),
        ChosenGroups = f.Integer("chosen_groups", c?.ChosenGroups, 1),
        GroupScore = f.Choice("group_score", c?.GroupScore, GroupScore.TwoBest),
    };

    private static RotaryConfig Rotary(ConfigFields f, RotaryConfig? c) => new(f.Double("theta", c?.Theta, 10000), f.Flag("interleaved", c?.Interleaved))
    {
        Width = f.IntegerOrNull("width", c?.Width),
        Scaling = f.PartOrNull("scaling", c?.Scaling == RopeScaling.None ? null : c?.Scaling, (g, s) => g.Kind(s, Scalings)) ?? RopeScaling.None,
    };

    private static NormConfig? Norm(ConfigFields f, string name, NormConfig? value) => f.PartOrNull(name, value, (g, n) => g.Kind(n, Norms));
}
