using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>OLMoE: experts in every layer, chosen by a softmax over all of them, and norms of whole rows of queries and keys.</summary>
internal sealed class Olmoe : LlamaLike
{
    public override string Name => "olmoe";

    public override GgufMap Gguf { get; } = LlamaGguf("olmoe", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        GgufLlama.Experts(fields, "num_experts", "num_experts_per_tok");
        fields.Always("norm_topk_prob", false);
    });

    protected override string ArchitectureOf(ModelConfig config) => "OlmoeForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        RequireHeadsOfWidth(settings, sizes);
        if (settings.Has("clip_qkv"))
            throw settings.Error("\"clip_qkv\": queries, keys and values that are cut off are not supported");
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        ExpertRouting routing = new()
        {
            Experts = settings.Integer("num_experts", 64),
            Chosen = settings.Integer("num_experts_per_tok", 8),
            NormalizesChosen = settings.Boolean("norm_topk_prob", false),
        };
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { QueryKeyNorm = block.Before, NormsWholeRows = true },
            FeedForward = new ExpertsFeedForward(sizes.Hidden, routing, block.FeedForward.Activation) { BalanceWeight = ReadBalance(settings, 0.01) },
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0] is not { Mixer: AttentionConfig attention, FeedForward: ExpertsFeedForward sparse })
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteNumber("num_experts", sparse.Routing.Experts);
        json.WriteNumber("num_experts_per_tok", sparse.Routing.Chosen);
        json.WriteBoolean("norm_topk_prob", sparse.Routing.NormalizesChosen);
        WriteBalance(json, sparse);
        return true;
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        Experts($"{theirs}.mlp", ours, width, (ExpertsFeedForward)config, "gate_proj", "up_proj", "down_proj");
}
