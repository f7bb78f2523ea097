using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Granite: Llama whose embeddings, scores, branches and logits are multiplied with numbers of the config.</summary>
internal sealed class Granite : LlamaLike
{
    public override string Name => "granite";

    public override GgufMap Gguf { get; } = LlamaGguf("granite", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Number("attention.scale", "attention_multiplier");
        fields.Number("residual_scale", "residual_multiplier", isOptional: true);
        fields.Number("embedding_scale", "embedding_multiplier", isOptional: true);
        fields.Number("logit_scale", "logits_scaling", isOptional: true);
        fields.Presence("attention_bias", "blk.0.attn_q.bias");
        fields.Presence("mlp_bias", "blk.0.ffn_up.bias");
    }) with
    {
        Change = GgufLlama.WithNeighboursTurning,
    };

    protected override string ArchitectureOf(ModelConfig config) => "GraniteForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { Scale = settings.Single("attention_multiplier", 1) },
            FeedForward = block.FeedForward with { Bias = settings.Boolean("mlp_bias", false) },
            ResidualScale = settings.Single("residual_multiplier", 1),
        };
    }

    protected override DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config) => config with
    {
        Stack = config.Stack with { Embedding = config.Stack.Embedding with { Scale = settings.Single("embedding_multiplier", 1) } },
        Head = config.Head with { Scale = 1 / settings.Single("logits_scaling", 1) },
    };

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0] is not { Mixer: AttentionConfig { Scale: { } scale } attention } block)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteBoolean("mlp_bias", block.FeedForward.Bias);
        WriteFloat(json, "attention_multiplier", scale);
        WriteFloat(json, "residual_multiplier", block.ResidualScale);
        WriteFloat(json, "embedding_multiplier", config.Stack.Embedding.Scale);
        WriteFloat(json, "logits_scaling", 1 / config.Head.Scale);
        return true;
    }
}
