using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>Mixtral: Mistral with experts for the feed-forward, of which a softmax over the chosen ones takes some.</summary>
internal sealed class Mixtral : LlamaLike
{
    public override string Name => "mixtral";

    public override GgufMap Gguf { get; } = LlamaGguf("llama", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        GgufLlama.Experts(fields, "num_local_experts", "num_experts_per_tok");
    }) with
    {
        Suits = static facts => facts.Whole("expert_count") > 0,
        Change = GgufLlama.WithNeighboursTurning,
    };

    protected override string ArchitectureOf(ModelConfig config) => "MixtralForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes);
        int? window = settings.Has("sliding_window") ? settings.Integer("sliding_window", most: 1 << 28) : null;
        ExpertRouting routing = new()
        {
            Experts = settings.Integer("num_local_experts", 8),
            Chosen = settings.Integer("num_experts_per_tok", 2),
            NormalizesChosen = true,
        };
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { Window = window },
            FeedForward = new ExpertsFeedForward(sizes.Hidden, routing, block.FeedForward.Activation) { BalanceWeight = ReadBalance(settings) },
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].FeedForward is not ExpertsFeedForward sparse)
            return false;
        json.WriteNumber("num_local_experts", sparse.Routing.Experts);
        json.WriteNumber("num_experts_per_tok", sparse.Routing.Chosen);
        WriteBalance(json, sparse);
        WriteWindow(json, WindowOf(config));
        return true;
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        Experts($"{theirs}.block_sparse_moe", ours, width, (ExpertsFeedForward)config, "w1", "w3", "w2");
}
