using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>OPT: learned positions from row 2 on, LayerNorms before the branches or of the sums, ReLU.</summary>
internal sealed class Opt : Family
{
    private const int FirstPosition = 2;

    public override string Name => "opt";

    protected override string Prefix => "model.";

    protected override bool SaysDropout => true;

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        DecoderConfig decoder = (DecoderConfig)config;
        int d = decoder.Width;
        List<WeightName> names =
        [
            WeightName.Whole("model.decoder.embed_tokens.weight", "embedding.weight", decoder.VocabularySize),
            WeightName.Whole("model.decoder.embed_positions.weight", "positions.weight", decoder.Stack.Embedding.LearnedPositions),
        ];
        for (int i = 0; i < decoder.Layers; i++)
        {
            BlockConfig block = decoder.Stack.Blocks[i];
            AttentionConfig attention = (AttentionConfig)block.Mixer;
            string theirs = $"model.decoder.layers.{i}", ours = $"blocks.{i}", kind = block.Before is null ? "_sum_norm" : "_norm";
            NormConfig norm = (block.Before ?? block.AfterSum)!;
            names.AddRange(WeightName.Norm($"{theirs}.self_attn_layer_norm", $"{ours}.attention{kind}", d, norm));
            foreach ((string name, int part) in ((string, int)[])[("q_proj", 0), ("k_proj", 1), ("v_proj", 2)])
                names.AddRange(WeightName.Linear($"{theirs}.self_attn.{name}", $"{ours}.attention.qkv", d, attention.InputBias, part * d));
            names.AddRange(WeightName.Linear($"{theirs}.self_attn.out_proj", $"{ours}.attention.output", d, attention.OutputBias));
            names.AddRange(WeightName.Norm($"{theirs}.final_layer_norm", $"{ours}.feed_forward{kind}", d, norm));
            names.AddRange(WeightName.Linear($"{theirs}.fc1", $"{ours}.feed_forward.up", block.FeedForward.HiddenWidth, block.FeedForward.Bias));
            names.AddRange(WeightName.Linear($"{theirs}.fc2", $"{ours}.feed_forward.down", d, block.FeedForward.Bias));
        }
        if (decoder.Stack.Norm is { } last)
            names.AddRange(WeightName.Norm("model.decoder.final_layer_norm", "norm", d, last));
        if (!decoder.Head.Tied)
            names.Add(WeightName.Whole("lm_head.weight", "head.weight", decoder.VocabularySize));
        return names;
    }

    protected override string ArchitectureOf(ModelConfig config) => "OPTForCausalLM";

    protected override ModelConfig ReadConfig(JsonSettings settings)
    {
        int width = settings.Integer("hidden_size", 768), heads = settings.Integer("num_attention_heads", 12);
        int narrow = settings.Integer("word_embed_proj_dim", width);
        if (width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        if (narrow != width)
            throw settings.Error($"\"word_embed_proj_dim\": embeddings of width {narrow} for rows of width {width} are not supported");
        settings.RequireBoolean("layer_norm_elementwise_affine", expected: true, fallback: true);
        settings.Has("layerdrop");
        bool isBefore = settings.Boolean("do_layer_norm_before", true), hasLast = isBefore && !settings.Boolean("_remove_final_layer_norm", false),
            bias = settings.Boolean("enable_bias", true);
        LayerNormConfig norm = new();
        BlockConfig block = new()
        {
            Mixer = new AttentionConfig { Heads = heads, KeyValueHeads = heads, HeadWidth = width / heads, InputBias = bias, OutputBias = bias },
            FeedForward = new PlainFeedForward(settings.Integer("ffn_dim", 3072), ActivationNames.Read(settings, "activation_function", "relu"), bias),
            Before = isBefore ? norm : null,
            AfterSum = isBefore ? null : norm,
        };
        int length = settings.Integer("max_position_embeddings", 2048);
        return WithIds(settings, new DecoderConfig
        {
            MaximumLength = length,
            Dropout = settings.Single("dropout", 0.1),
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig
                {
                    VocabularySize = settings.Integer("vocab_size", 50272),
                    Width = width,
                    LearnedPositions = length + FirstPosition,
                    PositionOffset = FirstPosition,
                },
                Blocks = [.. Enumerable.Repeat(block, settings.Integer("num_hidden_layers", 12, most: MostLayers))],
                Norm = hasLast ? norm : null,
            },
            Head = new HeadConfig(settings.Boolean("tie_word_embeddings", true)),
        }, 2, 2);
    }

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not DecoderConfig { Stack.Blocks: [{ Mixer: AttentionConfig attention } block, ..] } decoder)
            return false;
        json.WriteNumber("hidden_size", decoder.Width);
        json.WriteNumber("word_embed_proj_dim", decoder.Width);
        json.WriteNumber("num_hidden_layers", decoder.Layers);
        json.WriteNumber("num_attention_heads", attention.Heads);
        json.WriteNumber("ffn_dim", block.FeedForward.HiddenWidth);
        json.WriteNumber("max_position_embeddings", decoder.MaximumLength);
        json.WriteString("activation_function", ActivationNames.Of(block.FeedForward.Activation));
        json.WriteBoolean("do_layer_norm_before", block.Before is not null);
        json.WriteBoolean("_remove_final_layer_norm", block.Before is not null && decoder.Stack.Norm is null);
        json.WriteBoolean("enable_bias", attention.InputBias);
        WriteFloat(json, "dropout", decoder.Dropout);
        return true;
    }
}
