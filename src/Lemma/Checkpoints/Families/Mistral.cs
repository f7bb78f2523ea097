using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Mistral: Llama with a sliding window.</summary>
internal sealed class Mistral : LlamaLike
{
    public override string Name => "mistral";

    // Read as a Llama: no value says a window there.
    public override GgufMap Gguf { get; } = LlamaGguf("llama", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
    }) with
    {
        Suits = static _ => false,
        Change = GgufLlama.WithNeighboursTurning,
    };

    protected override string ArchitectureOf(ModelConfig config) => "MistralForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes);
        int? window = settings.Has("sliding_window") ? settings.Integer("sliding_window", most: 1 << 28) : null;
        return block with { Mixer = (AttentionConfig)block.Mixer with { Window = window } };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        WriteWindow(json, WindowOf(config));
        return true;
    }
}
