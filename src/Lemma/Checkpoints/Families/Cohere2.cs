using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Command R7B and A (Cohere 2): parallel branches through one LayerNorm without bias, logits that are scaled; three of four layers have a window
/// and positions in pairs of neighbours, the others neither.</summary>
internal sealed class Cohere2 : LlamaLike
{
    public override string Name => "cohere2";

    public override GgufMap Gguf { get; } = LlamaGguf("cohere2", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Number("logit_scale", "logit_scale");
        fields.Whole("attention.sliding_window", "sliding_window");
    }, "layer_norm_eps");

    protected override string ArchitectureOf(ModelConfig config) => "Cohere2ForCausalLM";

    protected override string EpsilonField => "layer_norm_eps";

    protected override bool TiesByDefault => true;

    protected override bool WritesRotary => false;

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        RequireHeadsOfWidth(settings, sizes);
        settings.RequireBoolean("use_qk_norm", expected: false, fallback: false);
        settings.RequireBoolean("use_parallel_block", expected: true, fallback: true);
        settings.RequireBoolean("use_parallel_embedding", expected: false, fallback: false);
        settings.RequireBoolean("use_gated_activation", expected: true, fallback: true);
        settings.RequireBoolean("use_embedding_sharing", expected: true, fallback: true);
        // Written by the family, with no other meaning than these.
        foreach ((string name, string only) in ((string, string)[])[("position_embedding_type", "rope_gptj"),
            ("order_of_interleaved_layers", "local_attn_first")])
        {
            if (settings.Text(name, only) is string found && found != only)
                throw settings.Error($"\"{name}\": '{found}' is not supported");
        }
        if (settings.Number("rotary_pct", 1) != 1)
            throw settings.Error("\"rotary_pct\": only whole heads turn in this family");
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        int pattern = settings.Integer("sliding_window_pattern", settings.Integer("_sliding_window_pattern", 4));
        int window = settings.Integer("sliding_window", 4096, most: 1 << 28);
        bool isSliding = IsSliding(settings, sizes, layer, (layer + 1) % pattern != 0);
        RotaryConfig rotary = RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length) with { Interleaved = true };
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { Window = isSliding ? window : null, Rotary = isSliding ? rotary : null },
            Before = new LayerNormConfig(block.Before!.Epsilon, Bias: false),
            Order = BranchOrder.ParallelOneNorm,
        };
    }

    protected override DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config) =>
        config with { Head = config.Head with { Scale = settings.Single("logit_scale", 0.0625) } };

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        AttentionConfig[] all = [.. config.Stack.Blocks.Select(block => block.Mixer).OfType<AttentionConfig>()];
        if (all is not [var first, ..])
            return false;
        json.WriteBoolean("attention_bias", first.InputBias);
        WriteFloat(json, "logit_scale", config.Head.Scale);
        json.WriteNumber("sliding_window", WindowOf(config) ?? 4096);
        WriteLayerTypes(json, config);
        RotaryFields.Write(json, all.FirstOrDefault(one => one.Rotary is not null)?.Rotary ?? new RotaryConfig(), first.HeadWidth);
        return true;
    }
}
