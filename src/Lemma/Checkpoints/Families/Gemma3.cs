using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Gemma 3 (text): norms around every branch with gains stored less one, embeddings times √d, windows with an own θ in most layers.</summary>
internal sealed class Gemma3 : LlamaLike
{
    private const int Pattern = 6;

    public override string Name => "gemma3_text";

    public override GgufMap Gguf { get; } = LlamaGguf("gemma3", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields, "full_attention");
        fields.Number("final_logit_softcapping", "final_logit_softcapping", isOptional: true);
        fields.Number("rope.freq_base_swa", "rope_local_base_freq", isOptional: true);
        fields.Whole("attention.sliding_window", "sliding_window", isOptional: true);
        fields.Ask("attention.sliding_window_pattern");
        // Without a window all blocks see everything.
        fields.Computed("sliding_window_pattern", static facts => facts.Whole("attention.sliding_window") is > 0
            ? facts.Whole("attention.sliding_window_pattern") : 1);
        fields.Computed("query_pre_attn_scalar", static facts => Gemma2.QueryScalar(facts, 62));
    }) with
    {
        Names = GgufLlama.NamesWithNormsBehind,
        Change = GgufLlama.WithOneMore,
    };

    protected override string ArchitectureOf(ModelConfig config) => "Gemma3ForCausalLM";

    protected override string ActivationField => "hidden_activation";

    protected override bool TiesByDefault => true;

    protected override bool WritesRotary => false;

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        settings.RequireBoolean("use_bidirectional_attention", expected: false, fallback: false);
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias, "gelu_pytorch_tanh");
        RmsNormConfig norm = new(block.Before!.Epsilon, OnePlusGain: true);
        int pattern = settings.Integer("sliding_window_pattern", settings.Integer("_sliding_window_pattern", Pattern));
        bool isSliding = IsSliding(settings, sizes, layer, (layer + 1) % pattern != 0);
        int window = settings.Integer("sliding_window", 4096, most: 1 << 28);
        double local = settings.Number("rope_local_base_freq", 10000);
        // Older files scale the positions of the layers without a window alone.
        RotaryConfig full = RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, 1e6, "full_attention");
        RotaryConfig sliding = settings.Section("rope_parameters") is { } kinds && kinds.Has("sliding_attention")
            ? RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, local, "sliding_attention") : new RotaryConfig(local);
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with
            {
                Scale = (float)(1 / Math.Sqrt(settings.Number("query_pre_attn_scalar", 256))),
                QueryKeyNorm = norm,
                ScoreCap = settings.Single("attn_logit_softcapping", 0),
                Window = isSliding ? window : null,
                Rotary = isSliding ? sliding : full,
            },
            Before = norm,
            After = norm,
        };
    }

    protected override DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config) =>
        Gemma2.WithScaleAndCap(settings, sizes, config);

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        AttentionConfig[] all = [.. config.Stack.Blocks.Select(block => block.Mixer).OfType<AttentionConfig>()];
        if (all is not [var first, ..])
            return false;
        float scale = first.Scale ?? (float)(1 / Math.Sqrt(first.HeadWidth));
        json.WriteNumber("query_pre_attn_scalar", Math.Round(1.0 / scale / scale, 3));
        json.WriteBoolean("attention_bias", first.InputBias);
        json.WriteNumber("sliding_window", WindowOf(config) ?? 4096);
        WriteLayerTypes(json, config);
        foreach ((string name, float cap) in ((string, float)[])[("attn_logit_softcapping", first.ScoreCap), ("final_logit_softcapping", config.Head.Cap)])
        {
            if (cap == 0)
                json.WriteNull(name);
            else
                WriteFloat(json, name, cap);
        }
        RotaryConfig full = all.FirstOrDefault(one => one.Window is null)?.Rotary ?? new RotaryConfig(1e6);
        RotaryConfig sliding = all.FirstOrDefault(one => one.Window is not null)?.Rotary ?? new RotaryConfig();
        json.WriteStartObject("rope_parameters");
        foreach ((string kind, RotaryConfig rotary) in ((string, RotaryConfig)[])[("full_attention", full), ("sliding_attention", sliding)])
        {
            json.WriteStartObject(kind);
            RotaryFields.WriteInside(json, rotary, 1);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteNumber("rope_theta", full.Theta);
        json.WriteNumber("rope_local_base_freq", sliding.Theta);
        return true;
    }
}
