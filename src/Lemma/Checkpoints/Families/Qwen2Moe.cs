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

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer) => WithGatedShared(settings, layer,
        Qwen2.WithQwenWindow(settings, sizes, layer, LlamaBlock(settings, sizes, settings.Boolean("qkv_bias", true))),
        new ExpertsFeedForward(1408, new ExpertRouting { Experts = 60, Chosen = 4 }) { Shared = new GatedFeedForward(5632) });

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig attention || !WriteGatedShared(json, config))
            return false;
        json.WriteBoolean("qkv_bias", attention.InputBias);
        return Qwen2.WriteQwenWindow(json, config);
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        config is ExpertsFeedForward { Shared: { } shared } sparse ? ExpertsWithGatedShared(theirs, ours, width, sparse, shared)
            : base.FeedForwardNames(config, theirs, ours, width);
}
