using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>OLMo 3: OLMo 2 with a window in three of four layers.</summary>
internal sealed class Olmo3 : LlamaLike
{
    public override string Name => "olmo3";

    // OLMo 2's architecture, with windows.
    public override GgufMap Gguf { get; } = LlamaGguf("olmo2", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        GgufLlama.LayerWindows(fields);
    }) with
    {
        Names = GgufLlama.NamesWithNormsBehind,
        Suits = static facts => facts.Whole("attention.sliding_window") > 0,
    };

    protected override string ArchitectureOf(ModelConfig config) => "Olmo3ForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        int window = settings.Integer("sliding_window", 4096, most: 1 << 28);
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with
            {
                QueryKeyNorm = block.Before,
                NormsWholeRows = true,
                Window = IsSliding(settings, sizes, layer, (layer + 1) % 4 != 0) ? window : null,
            },
            Before = null,
            After = block.Before,
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig attention)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteNumber("sliding_window", WindowOf(config) ?? 4096);
        WriteLayerTypes(json, config);
        return true;
    }
}
