using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Qwen2: Llama with biases of queries, keys and values, and windows in the later layers where they are switched on.</summary>
internal sealed class Qwen2 : LlamaLike
{
    public override string Name => "qwen2";

    public override GgufMap Gguf { get; } = LlamaGguf("qwen2", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
    });

    protected override string ArchitectureOf(ModelConfig config) => "Qwen2ForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer) =>
        WithQwenWindow(settings, sizes, layer, LlamaBlock(settings, sizes, inputBias: true));

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config) => WriteQwenWindow(json, config);

    /// <summary>The window of a layer as this family and the ones after it say it.</summary>
    internal static BlockConfig WithQwenWindow(JsonSettings settings, in Sizes sizes, int layer, BlockConfig block)
    {
        bool isOn = settings.Boolean("use_sliding_window", false);
        int window = settings.Integer("sliding_window", 4096, least: 0, most: 1 << 28), first = settings.Integer("max_window_layers", 28, least: 0);
        bool isSliding = IsSliding(settings, sizes, layer, isOn && layer >= first);
        return isOn && isSliding ? block with { Mixer = (AttentionConfig)block.Mixer with { Window = window } } : block;
    }

    internal static bool WriteQwenWindow(Utf8JsonWriter json, DecoderConfig config)
    {
        int? window = WindowOf(config);
        json.WriteBoolean("use_sliding_window", window is not null);
        WriteWindow(json, window);
        json.WriteNumber("max_window_layers", config.Layers);
        WriteLayerTypes(json, config);
        return true;
    }
}
