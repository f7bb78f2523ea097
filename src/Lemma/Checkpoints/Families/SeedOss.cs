using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Seed-OSS: Llama with biases of queries, keys and values, and heads of a width of their own.</summary>
internal sealed class SeedOss : LlamaLike
{
    public override string Name => "seed_oss";

    public override GgufMap Gguf { get; } = LlamaGguf("seed_oss", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Presence("attention_bias", "blk.0.attn_q.bias");
        fields.Presence("attention_out_bias", "blk.0.attn_output.bias");
        fields.Presence("mlp_bias", "blk.0.ffn_up.bias");
    }) with
    {
        Names = GgufLlama.NamesWith(("model.layers.#.post_attention_layernorm", "blk.#.post_attention_norm")),
    };

    protected override string ArchitectureOf(ModelConfig config) => "SeedOssForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes, settings.Boolean("attention_bias", true), settings.Boolean("attention_out_bias", false));
        return block with { FeedForward = block.FeedForward with { Bias = settings.Boolean("mlp_bias", false) } };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0] is not { Mixer: AttentionConfig attention } block)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteBoolean("attention_out_bias", attention.OutputBias);
        json.WriteBoolean("mlp_bias", block.FeedForward.Bias);
        return true;
    }
}
