using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>GLM-4 (0414): norms around every branch, positions in pairs of neighbours in a part of each head; gate and up are one tensor.</summary>
internal sealed class Glm4 : LlamaLike
{
    public override string Name => "glm4";

    public override GgufMap Gguf { get; } = LlamaGguf("glm4", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Presence("attention_bias", "blk.0.attn_q.bias");
    }) with
    {
        Names = GgufLlama.NamesWith(("model.layers.#.post_self_attn_layernorm", "blk.#.post_attention_norm"),
            ("model.layers.#.post_mlp_layernorm", "blk.#.post_ffw_norm")),
    };

    protected override string ArchitectureOf(ModelConfig config) => "Glm4ForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes, settings.Boolean("attention_bias", true));
        RotaryConfig rotary = RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, share: 0.5) with { Interleaved = true };
        return block with { Mixer = (AttentionConfig)block.Mixer with { Rotary = rotary }, After = block.Before };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig { Rotary: { } rotary } attention)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        RotaryFields.Write(json, rotary, attention.HeadWidth, saysShare: true);
        // Without it transformers takes an id that smaller vocabularies do not have.
        json.WriteNull("pad_token_id");
        return true;
    }

    protected override bool WritesRotary => false;

    protected override (string Before, string After, string FeedForwardBefore, string FeedForwardAfter) NormNames(BlockConfig block) =>
        ("input_layernorm", "post_self_attn_layernorm", "post_attention_layernorm", "post_mlp_layernorm");

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        GateAndUpInOne(theirs, ours, width, config);
}
