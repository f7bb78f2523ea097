using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>Qwen3 with experts: a softmax over all of them, of which the likeliest are taken.</summary>
internal sealed class Qwen3Moe : LlamaLike
{
    public override string Name => "qwen3_moe";

    public override GgufMap Gguf { get; } = LlamaGguf("qwen3moe", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        GgufLlama.Experts(fields, "num_experts", "num_experts_per_tok");
        fields.Whole("expert_feed_forward_length", "moe_intermediate_size");
        fields.Always("norm_topk_prob", true);
    });

    protected override string ArchitectureOf(ModelConfig config) => "Qwen3MoeForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        block = block with { Mixer = (AttentionConfig)block.Mixer with { QueryKeyNorm = block.Before } };
        if (settings.Boolean("use_sliding_window", false))
            block = block with { Mixer = (AttentionConfig)block.Mixer with { Window = settings.Integer("sliding_window", most: 1 << 28) } };
        else
            settings.Has("sliding_window");
        int experts = settings.Integer("num_experts", settings.Integer("num_local_experts", 128));
        ExpertsFeedForward sparse = new(settings.Integer("moe_intermediate_size", 768),
            new ExpertRouting
            {
                Experts = experts,
                Chosen = settings.Integer("num_experts_per_tok", 8),
                NormalizesChosen = settings.Boolean("norm_topk_prob", false),
            },
            block.FeedForward.Activation)
        {
            BalanceWeight = ReadBalance(settings),
        };
        return IsDense(settings, layer) ? block : block with { FeedForward = sparse };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig attention
            || config.Stack.Blocks.Select(block => block.FeedForward).OfType<ExpertsFeedForward>().FirstOrDefault() is not { } sparse)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteBoolean("use_sliding_window", WindowOf(config) is not null);
        WriteWindow(json, WindowOf(config));
        json.WriteNumber("num_experts", sparse.Routing.Experts);
        json.WriteNumber("num_experts_per_tok", sparse.Routing.Chosen);
        json.WriteNumber("moe_intermediate_size", sparse.HiddenWidth);
        json.WriteBoolean("norm_topk_prob", sparse.Routing.NormalizesChosen);
        WriteBalance(json, sparse);
        WriteDenseLayers(json, config);
        return true;
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        config is ExpertsFeedForward sparse ? Experts($"{theirs}.mlp", ours, width, sparse, "gate_proj", "up_proj", "down_proj")
            : base.FeedForwardNames(config, theirs, ours, width);
}
