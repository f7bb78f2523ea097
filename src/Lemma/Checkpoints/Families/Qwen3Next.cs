using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>Qwen3-Next: a gated delta rule in three of four layers, gated attention in the others, and experts with a shared one behind a gate.</summary>
internal sealed class Qwen3Next : GatedDeltaFamily
{
    public override string Name => "qwen3_next";

    protected override string ArchitectureOf(ModelConfig config) => "Qwen3NextForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = ReadMixer(settings, sizes, layer);
        ExpertRouting routing = new()
        {
            Experts = settings.Integer("num_experts", 512),
            Chosen = settings.Integer("num_experts_per_tok", 10),
            NormalizesChosen = settings.Boolean("norm_topk_prob", true),
        };
        ExpertsFeedForward sparse = new(settings.Integer("moe_intermediate_size", 512), routing, block.FeedForward.Activation)
        {
            Shared = new GatedFeedForward(settings.Integer("shared_expert_intermediate_size", 512), block.FeedForward.Activation),
            SharedGate = true,
            BalanceWeight = ReadBalance(settings),
        };
        return IsDense(settings, layer) ? block : block with { FeedForward = sparse };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks.Select(block => block.FeedForward).OfType<ExpertsFeedForward>().FirstOrDefault() is not { Shared: { } shared } sparse)
            return false;
        json.WriteNumber("num_experts", sparse.Routing.Experts);
        json.WriteNumber("num_experts_per_tok", sparse.Routing.Chosen);
        json.WriteNumber("moe_intermediate_size", sparse.HiddenWidth);
        json.WriteNumber("shared_expert_intermediate_size", shared.HiddenWidth);
        json.WriteBoolean("norm_topk_prob", sparse.Routing.NormalizesChosen);
        WriteBalance(json, sparse);
        WriteDenseLayers(json, config);
        return base.WriteMore(json, config);
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        config is ExpertsFeedForward { Shared: { } shared } sparse ? ExpertsWithGatedShared(theirs, ours, width, sparse, shared)
            : base.FeedForwardNames(config, theirs, ours, width);

    // Stored by heads of keys: a query, a key, the values of its heads, their z; and β and the decay of these heads.
    protected override IEnumerable<WeightName> ProjectionNames(GatedDeltaConfig delta, string theirs, string ours)
    {
        (int keyHeads, int heads, int d, int group) = (delta.KeyHeads, delta.Heads, delta.HeadWidth, delta.Heads / delta.KeyHeads);
        int keys = keyHeads * d, values = heads * delta.ValueWidth, some = group * delta.ValueWidth, each = 2 * d + 2 * some;
        yield return new($"{theirs}.in_proj_qkvz.weight", ours, 0, delta.Channels + values)
        {
            RowOf = row => (row / each, row % each) switch
            {
                (var head, var place) when place < d => head * d + place,
                (var head, var place) when place < 2 * d => keys + head * d + place - d,
                (var head, var place) when place < 2 * d + some => 2 * keys + head * some + place - 2 * d,
                (var head, var place) => 2 * keys + values + head * some + place - 2 * d - some,
            },
        };
        yield return new($"{theirs}.in_proj_ba.weight", ours, delta.Channels + values, 2 * heads)
        {
            RowOf = row => row / group % 2 * heads + row / (2 * group) * group + row % group,
        };
    }
}
