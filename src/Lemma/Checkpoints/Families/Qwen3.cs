using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Qwen3: Llama with a norm of each head's query and key before they turn.</summary>
internal sealed class Qwen3 : LlamaLike
{
    public override string Name => "qwen3";

    public override GgufMap Gguf { get; } = LlamaGguf("qwen3", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
    });

    protected override string ArchitectureOf(ModelConfig config) => "Qwen3ForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer) =>
        Qwen2.WithQwenWindow(settings, sizes, layer, WithHeadNorm(settings, sizes));

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig attention)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        return Qwen2.WriteQwenWindow(json, config);
    }

    private BlockConfig WithHeadNorm(JsonSettings settings, in Sizes sizes)
    {
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        return block with { Mixer = (AttentionConfig)block.Mixer with { QueryKeyNorm = block.Before } };
    }
}
