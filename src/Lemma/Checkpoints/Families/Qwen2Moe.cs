using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>Qwen2 with experts: a softmax over all of them, of which the likeliest are taken, and a shared expert behind a gate.</summary>
internal sealed class Qwen2Moe : LlamaLike
{
    public override string Name => "qwen2_moe";

    public override GgufMap Gguf { get; } = LlamaGguf("qwen2moe", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        GgufLlama.Experts(fields, "num_experts", "num_experts_per_tok");
        fields.Whole("expert_feed_forward_length", "moe_intermediate_size");
        fields.Whole("expert_shared_feed_forward_length", "shared_expert_intermediate_size");
        fields.Always("norm_topk_prob", false);
    });

    protected override string ArchitectureOf(ModelConfig config) => "Qwen2MoeForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = Qwen2.WithQwenWindow(settings, sizes, layer, LlamaBlock(settings, sizes, settings.Boolean("qkv_bias", true)));
        ExpertRouting routing = new()
        {
            Experts = settings.Integer("num_experts", 60),
            Chosen = settings.Integer("num_experts_per_tok", 4),
            NormalizesChosen = settings.Boolean("norm_topk_prob", false),
        };
        ExpertsFeedForward sparse = new(settings.Integer("moe_intermediate_size", 1408), routing, block.FeedForward.Activation)
        {
            Shared = new GatedFeedForward(settings.Integer("shared_expert_intermediate_size", 5632), block.FeedForward.Activation),
            SharedGate = true,
            BalanceWeight = ReadBalance(settings),
        };
        return IsDense(settings, layer) ? block : block with { FeedForward = sparse };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig attention
            || config.Stack.Blocks.Select(block => block.FeedForward).OfType<ExpertsFeedForward>().FirstOrDefault() is not { Shared: { } shared } sparse)
            return false;
        json.WriteBoolean("qkv_bias", attention.InputBias);
        json.WriteNumber("num_experts", sparse.Routing.Experts);
        json.WriteNumber("num_experts_per_tok", sparse.Routing.Chosen);
        json.WriteNumber("moe_intermediate_size", sparse.HiddenWidth);
        json.WriteNumber("shared_expert_intermediate_size", shared.HiddenWidth);
        json.WriteBoolean("norm_topk_prob", sparse.Routing.NormalizesChosen);
        WriteBalance(json, sparse);
        WriteDenseLayers(json, config);
        return Qwen2.WriteQwenWindow(json, config);
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        config is ExpertsFeedForward { Shared: { } shared } sparse ? ExpertsWithGatedShared(theirs, ours, width, sparse, shared)
            : base.FeedForwardNames(config, theirs, ours, width);
}
