using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>BART: encoder and decoder with norms of the sums, learned positions that begin in row 2, biases everywhere.</summary>
internal sealed class Bart : Family
{
    // The first two rows of learned positions are never read.
    private const int Offset = 2;

    public override string Name => "bart";

    protected override string Prefix => "model.";

    protected override IReadOnlyList<string> IgnoredEndings => ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"];

    protected override bool SaysDropout => true;

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        EncoderDecoderConfig both = (EncoderDecoderConfig)config;
        int d = both.Encoder.Embedding.Width;
        List<WeightName> names =
        [
            WeightName.Whole("model.shared.weight", "embedding.weight", both.VocabularySize),
            new("final_logits_bias", "", 0, 1) { IsZero = true, Sizes = [1, both.VocabularySize] },
        ];
        foreach ((string side, StackConfig stack) in ((string, StackConfig)[])[("encoder", both.Encoder), ("decoder", both.Decoder)])
        {
            names.Add(WeightName.Whole($"model.{side}.embed_positions.weight", $"{side}.positions.weight", stack.Embedding.LearnedPositions));
            names.AddRange(WeightName.Norm($"model.{side}.layernorm_embedding", $"{side}.embedding_norm", d, stack.Embedding.Norm!));
            for (int i = 0; i < stack.Blocks.Count; i++)
            {
                BlockConfig block = stack.Blocks[i];
                string theirs = $"model.{side}.layers.{i}", ours = $"{side}.blocks.{i}";
                foreach ((string name, int part) in ((string, int)[])[("q", 0), ("k", 1), ("v", 2)])
                    names.AddRange(WeightName.Linear($"{theirs}.self_attn.{name}_proj", $"{ours}.attention.qkv", d, bias: true, part * d));
                names.AddRange(WeightName.Linear($"{theirs}.self_attn.out_proj", $"{ours}.attention.output", d, bias: true));
                names.AddRange(WeightName.Norm($"{theirs}.self_attn_layer_norm", $"{ours}.attention_sum_norm", d, block.AfterSum!));
                if (block.Cross is not null)
                {
                    names.AddRange(WeightName.Linear($"{theirs}.encoder_attn.q_proj", $"{ours}.cross.query", d, bias: true));
                    names.AddRange(WeightName.Linear($"{theirs}.encoder_attn.k_proj", $"{ours}.cross.key_value", d, bias: true));
                    names.AddRange(WeightName.Linear($"{theirs}.encoder_attn.v_proj", $"{ours}.cross.key_value", d, bias: true, d));
                    names.AddRange(WeightName.Linear($"{theirs}.encoder_attn.out_proj", $"{ours}.cross.output", d, bias: true));
                    names.AddRange(WeightName.Norm($"{theirs}.encoder_attn_layer_norm", $"{ours}.cross_sum_norm", d, block.AfterSum!));
                }
                names.AddRange(WeightName.Linear($"{theirs}.fc1", $"{ours}.feed_forward.up", block.FeedForward.HiddenWidth, bias: true));
                names.AddRange(WeightName.Linear($"{theirs}.fc2", $"{ours}.feed_forward.down", d, bias: true));
                names.AddRange(WeightName.Norm($"{theirs}.final_layer_norm", $"{ours}.feed_forward_sum_norm", d, block.AfterSum!));
            }
        }
        if (!both.Head.Tied)
            names.Add(WeightName.Whole("lm_head.weight", "head.weight", both.VocabularySize));
        return names;
    }

    protected override string ArchitectureOf(ModelConfig config) => "BartForConditionalGeneration";

    protected override ModelConfig ReadConfig(JsonSettings settings)
    {
        settings.Boolean("is_encoder_decoder", true);
        settings.RequireBoolean("normalize_before", expected: false, fallback: false);
        settings.RequireBoolean("add_final_layer_norm", expected: false, fallback: false);
        settings.Boolean("add_bias_logits", false);
        settings.Boolean("normalize_embedding", true);
        settings.Boolean("static_position_embeddings", false);
        int width = settings.Integer("d_model", 1024), length = settings.Integer("max_position_embeddings", 1024, most: 1 << 23);
        LayerNormConfig norm = new();
        BlockConfig Block(string side)
        {
            int heads = settings.Integer($"{side}_attention_heads", 16);
            if (width % heads != 0)
                throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
            AttentionConfig attention = new() { Heads = heads, KeyValueHeads = heads, HeadWidth = width / heads, InputBias = true, OutputBias = true };
            return new BlockConfig
            {
                Mixer = side == "encoder" ? attention with { Mask = MaskKind.None } : attention,
                Cross = side == "encoder" ? null : attention with { Mask = MaskKind.None },
                FeedForward = new PlainFeedForward(settings.Integer($"{side}_ffn_dim", 4096), ActivationNames.Read(settings, "activation_function",
                    "gelu"), Bias: true),
                AfterSum = norm,
            };
        }
        StackConfig encoder = new()
        {
            Embedding = new EmbeddingConfig
            {
                VocabularySize = settings.Integer("vocab_size", 50265),
                Width = width,
                LearnedPositions = length + Offset,
                PositionOffset = Offset,
                Scale = settings.Boolean("scale_embedding", false) ? MathF.Sqrt(width) : 1,
                Norm = norm,
            },
            Blocks = [.. Enumerable.Repeat(Block("encoder"), settings.Integer("encoder_layers", 12, most: MostLayers))],
        };
        return WithIds(settings, new EncoderDecoderConfig
        {
            MaximumLength = length,
            Dropout = settings.Single("dropout", 0.1),
            Encoder = encoder,
            Decoder = encoder with { Blocks = [.. Enumerable.Repeat(Block("decoder"), settings.Integer("decoder_layers", 12, most: MostLayers))] },
            Head = new HeadConfig(settings.Boolean("tie_word_embeddings", true)),
            DecoderBeginId = settings.Integer("decoder_start_token_id", 2, least: 0),
        }, 0, 2);
    }

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not EncoderDecoderConfig { Encoder: { Embedding.LearnedPositions: > 0, Blocks: [{ AfterSum: LayerNormConfig }, ..] } } both)
            return false;
        json.WriteBoolean("is_encoder_decoder", true);
        json.WriteNumber("d_model", both.Encoder.Embedding.Width);
        json.WriteNumber("max_position_embeddings", both.MaximumLength);
        json.WriteBoolean("scale_embedding", both.Encoder.Embedding.Scale != 1);
        foreach ((string side, StackConfig stack) in ((string, StackConfig)[])[("encoder", both.Encoder), ("decoder", both.Decoder)])
        {
            if (stack.Blocks is not [{ Mixer: AttentionConfig attention } block, ..])
                return false;
            json.WriteNumber($"{side}_layers", stack.Blocks.Count);
            json.WriteNumber($"{side}_attention_heads", attention.Heads);
            json.WriteNumber($"{side}_ffn_dim", block.FeedForward.HiddenWidth);
        }
        json.WriteString("activation_function", ActivationNames.Of(both.Encoder.Blocks[0].FeedForward.Activation));
        WriteFloat(json, "dropout", both.Dropout);
        json.WriteNumber("decoder_start_token_id", both.DecoderBeginId);
        return true;
    }
}
