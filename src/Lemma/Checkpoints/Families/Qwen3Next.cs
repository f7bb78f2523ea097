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

    public override GgufMap Gguf { get; } = GatedDeltaGguf("qwen3next", static fields =>
    {
        GgufLlama.Experts(fields, "num_experts", "num_experts_per_tok");
        fields.Whole("expert_feed_forward_length", "moe_intermediate_size");
        fields.Whole("expert_shared_feed_forward_length", "shared_expert_intermediate_size");
        fields.Always("norm_topk_prob", true);
    }, InTwo);

    // Queries, keys and values are one tensor there, in the model's order, z another.
    private static IEnumerable<WeightName> InTwo(WeightName name, GatedDeltaConfig delta)
    {
        const string Theirs = ".in_proj_qkvz.";
        if (!name.Name.Contains(Theirs, StringComparison.Ordinal))
            return [name];
        WeightName Part(string called, int first, int rows) =>
            new(name.Name.Replace(Theirs, called, StringComparison.Ordinal), name.Parameter, first, rows);
        return [Part(".in_proj_qkv.", 0, delta.Channels), Part(".in_proj_z.", delta.Channels, delta.Heads * delta.ValueWidth)];
    }

    protected override string ArchitectureOf(ModelConfig config) => "Qwen3NextForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer) => WithGatedShared(settings, layer, ReadMixer(settings, sizes, layer),
        new ExpertsFeedForward(512, new ExpertRouting { Experts = 512, Chosen = 10, NormalizesChosen = true }) { Shared = new GatedFeedForward(512) });

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config) => WriteGatedShared(json, config) && base.WriteMore(json, config);

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
