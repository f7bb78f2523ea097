using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>DeepSeek-V2: latent attention, experts chosen by a softmax over all of them, or among the groups with the best ones, and shared experts.</summary>
internal sealed class DeepSeekV2 : LatentAttentionFamily
{
    private const string Greedy = "greedy", Limited = "group_limited_greedy";

    private static readonly ExpertsFeedForward Fallback = new(1407, new ExpertRouting { Experts = 64, Chosen = 6, GroupScore = GroupScore.Best });

    public override string Name => "deepseek_v2";

    public override GgufMap Gguf { get; } = LatentGguf(Softmax, static fields =>
    {
        if (fields.Facts is { } facts)
            fields.Always("topk_method", facts.Whole("expert_group_count") > 1 ? Limited : Greedy);
    });

    protected override string ArchitectureOf(ModelConfig config) => "DeepseekV2ForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes);
        settings.RequireBoolean("mlp_bias", expected: false, fallback: false);
        // Its authors' code and transformers do not agree on what this means.
        settings.RequireBoolean("norm_topk_prob", expected: false, fallback: false);
        string method = settings.Text("topk_method", Greedy)!;
        if (method is not (Greedy or Limited))
            throw settings.Error($"\"topk_method\": '{method}' is not supported; supported are {Greedy}, {Limited}");
        RequireOnly(settings, "scoring_func", "softmax");
        settings.Integer("moe_layer_freq", 1, most: 1);
        settings.Has("ep_size");
        settings.Has("seq_aux");
        settings.Has("aux_loss_alpha");
        FeedForwardConfig feedForward = ReadExperts(settings, layer, block.FeedForward, Fallback, shared: 2, firstSparse: 0);
        if (feedForward is ExpertsFeedForward sparse && method == Greedy)
            feedForward = sparse with { Routing = sparse.Routing with { Groups = 1, ChosenGroups = 1 } };
        return block with { Mixer = ReadLatent(settings, sizes), FeedForward = feedForward };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not LatentAttentionConfig latent || config.Stack.Blocks[^1].FeedForward is not ExpertsFeedForward sparse)
            return false;
        WriteLatent(json, latent);
        json.WriteString("topk_method", sparse.Routing.Groups > 1 ? Limited : Greedy);
        return WriteExperts(json, config);
    }
}
