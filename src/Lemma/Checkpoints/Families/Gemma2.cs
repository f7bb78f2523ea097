using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Gemma 2: caps of scores and logits, norms around every branch with gains stored less one, a window in every second layer.</summary>
internal sealed class Gemma2 : LlamaLike
{
    public override string Name => "gemma2";

    public override GgufMap Gguf { get; } = LlamaGguf("gemma2", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Number("attn_logit_softcapping", "attn_logit_softcapping");
        fields.Number("final_logit_softcapping", "final_logit_softcapping");
        fields.Whole("attention.sliding_window", "sliding_window");
        fields.Computed("query_pre_attn_scalar", static facts => QueryScalar(facts, 46));
    }) with
    {
        Names = GgufLlama.NamesWithNormsBehind,
        Change = GgufLlama.WithOneMore,
    };

    /// <summary>What scores are divided by the root of: the width of a head, but in the largest model, which is known by its blocks, a head's part of
    /// a row.</summary>
    internal static long? QueryScalar(GgufFacts facts, int blocksOfLargest) => facts.Whole("block_count") == blocksOfLargest
        && facts.Whole("attention.head_count") is > 0 and var heads ? facts.Whole("embedding_length") / heads : GgufLlama.HeadWidthOf(facts);

    protected override string ArchitectureOf(ModelConfig config) => "Gemma2ForCausalLM";

    protected override string ActivationField => "hidden_activation";

    protected override bool TiesByDefault => true;

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        settings.RequireBoolean("use_bidirectional_attention", expected: false, fallback: false);
        // Older files name the activation twice; the longer name counts.
        settings.Text("hidden_act");
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias, "gelu_pytorch_tanh");
        RmsNormConfig norm = new(block.Before!.Epsilon, OnePlusGain: true);
        int window = settings.Integer("sliding_window", 4096, most: 1 << 28);
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with
            {
                Scale = (float)(1 / Math.Sqrt(settings.Number("query_pre_attn_scalar", 256))),
                ScoreCap = settings.Single("attn_logit_softcapping", 0),
                Window = IsSliding(settings, sizes, layer, layer % 2 == 0) ? window : null,
            },
            Before = norm,
            After = norm,
        };
    }

    protected override DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config) => WithScaleAndCap(settings, sizes, config);

    /// <summary>Embeddings times √d, and the cap of logits where the config has one.</summary>
    internal static DecoderConfig WithScaleAndCap(JsonSettings settings, in Sizes sizes, DecoderConfig config) => config with
    {
        Stack = config.Stack with { Embedding = config.Stack.Embedding with { Scale = MathF.Sqrt(sizes.Width) } },
        Head = config.Head with { Cap = settings.Single("final_logit_softcapping", 0) },
    };

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig { Scale: { } scale } attention)
            return false;
        json.WriteNumber("query_pre_attn_scalar", Math.Round(1.0 / scale / scale, 3));
        json.WriteBoolean("attention_bias", attention.InputBias);
        WriteFloat(json, "attn_logit_softcapping", attention.ScoreCap);
        WriteFloat(json, "final_logit_softcapping", config.Head.Cap);
        json.WriteNumber("sliding_window", WindowOf(config) ?? 4096);
        WriteLayerTypes(json, config);
        return true;
    }
}
