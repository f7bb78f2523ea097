using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Phi-3: Llama whose queries, keys and values are one tensor, as are gate and up.</summary>
internal sealed class Phi3 : LlamaLike
{
    public override string Name => "phi3";

    public override GgufMap Gguf { get; } = LlamaGguf("phi3", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        // 0 for none.
        fields.Computed("sliding_window", static facts => facts.Whole("attention.sliding_window") is > 0 and var window ? window : null);
        fields.Write("attention.sliding_window", fields.Facts is null && fields.Find("sliding_window") is { } width ? width.GetUInt32() : 0u);
    });

    protected override string ArchitectureOf(ModelConfig config) => "Phi3ForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes);
        int? window = settings.Has("sliding_window") ? settings.Integer("sliding_window", most: 1 << 28) : null;
        return block with { Mixer = (AttentionConfig)block.Mixer with { Window = window } };
    }

    // The trained length stands outside of the rotary parameters in this family, and means nothing without a scaling.
    protected override DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config)
    {
        settings.Has("original_max_position_embeddings");
        return config;
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        WriteWindow(json, WindowOf(config));
        // Without it transformers takes id 32000, which smaller vocabularies do not have.
        json.WriteNull("pad_token_id");
        return true;
    }

    protected override IEnumerable<WeightName> MixerNames(MixerConfig mixer, string theirs, string ours, int width)
    {
        AttentionConfig attention = (AttentionConfig)mixer;
        yield return WeightName.Whole($"{theirs}.self_attn.qkv_proj.weight", $"{ours}.qkv.weight", (attention.Heads
            + 2 * attention.KeyValueHeads) * attention.HeadWidth);
        yield return WeightName.Whole($"{theirs}.self_attn.o_proj.weight", $"{ours}.output.weight", width);
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        GateAndUpInOne(theirs, ours, width, config);
}
