using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>SmolLM3: Llama with layers that do without positions.</summary>
internal sealed class SmolLM3 : LlamaLike
{
    public override string Name => "smollm3";

    public override GgufMap Gguf { get; } = LlamaGguf("smollm3", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Presence("attention_bias", "blk.0.attn_q.bias");
        fields.Presence("mlp_bias", "blk.0.ffn_up.bias");
    }) with
    {
        Change = GgufLlama.WithNeighboursTurning,
    };

    protected override string ArchitectureOf(ModelConfig config) => "SmolLM3ForCausalLM";

    protected override bool TiesByDefault => true;

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = Qwen2.WithQwenWindow(settings, sizes, layer, LlamaBlock(settings, sizes, bias, bias));
        int interval = settings.Integer("no_rope_layer_interval", 4);
        // A list of whether each layer turns, in spite of its name.
        int[] turns = settings.Has("no_rope_layers") ? [.. settings.Numbers("no_rope_layers").Select(number => (int)number)] : [];
        if (turns.Length > 0 && turns.Length != sizes.Layers)
            throw settings.Error($"\"no_rope_layers\" has {turns.Length} entries for {sizes.Layers} layers");
        bool isTurning = turns.Length > 0 ? turns[layer] != 0 : (layer + 1) % interval != 0;
        AttentionConfig attention = (AttentionConfig)block.Mixer;
        return block with
        {
            Mixer = attention with { Rotary = isTurning ? attention.Rotary : null },
            FeedForward = block.FeedForward with { Bias = settings.Boolean("mlp_bias", false) },
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0] is not { Mixer: AttentionConfig attention } block)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteBoolean("mlp_bias", block.FeedForward.Bias);
        json.WriteStartArray("no_rope_layers");
        foreach (BlockConfig each in config.Stack.Blocks)
            json.WriteNumberValue(each.Mixer is AttentionConfig { Rotary: not null } ? 1 : 0);
        json.WriteEndArray();
        // Without it transformers takes an id that smaller vocabularies do not have.
        json.WriteNull("pad_token_id");
        return Qwen2.WriteQwenWindow(json, config);
    }
}
