using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Llama: RMSNorm, rotary positions in halves of every scaling, SwiGLU, grouped keys and values, no biases but optional ones.</summary>
/// <remarks>The family's config has no field for dropout of activations: it is 0 when read, and not written.</remarks>
internal sealed class Llama : LlamaLike
{
    public override string Name => "llama";

    public override GgufMap Gguf { get; } = LlamaGguf("llama", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Presence("attention_bias", "blk.0.attn_q.bias");
        fields.Presence("mlp_bias", "blk.0.ffn_up.bias");
    }) with
    {
        // Mistral is this architecture, as Mixtral is with experts.
        Suits = static facts => facts.Whole("expert_count") is null or 0,
        Change = GgufLlama.WithNeighboursTurning,
    };

    protected override string ArchitectureOf(ModelConfig config) => "LlamaForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        return block with { FeedForward = block.FeedForward with { Bias = settings.Boolean("mlp_bias", false) } };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0] is not { Mixer: AttentionConfig attention } block)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteBoolean("mlp_bias", block.FeedForward.Bias);
        return true;
    }
}
