using System.Globalization;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>The families whose later layers have the experts of DeepSeek: chosen among groups, and shared ones beside them.</summary>
/// <remarks>Layers behind the last one that predict further tokens in training (DeepSeek-AI 2024, section 2.2) are left out, as transformers does.</remarks>
internal abstract class GroupedExperts : LlamaLike
{
    private const string FurtherLayersField = "num_nextn_predict_layers";
    private int furtherLayers;

    /// <summary>Layers of the file behind the last one that predict further tokens are known by its config.</summary>
    public override Family For(JsonSettings settings)
    {
        GroupedExperts family = (GroupedExperts)MemberwiseClone();
        family.furtherLayers = settings.Integer(FurtherLayersField, 0, least: 0, most: MostLayers);
        return family;
    }

    public override bool Ignores(string name, ModelConfig config) => base.Ignores(name, config) || IsOfFurtherLayer(Bare(name), ((DecoderConfig)config).Layers);

    /// <summary>The feed-forward of a layer: dense in the first ones, experts behind.</summary>
    /// <param name="settings">The config.</param>
    /// <param name="layer">The number of the layer.</param>
    /// <param name="dense">The dense layer.</param>
    /// <param name="fallback">What counts where the config does not say.</param>
    /// <param name="shared">Shared experts where the config does not say.</param>
    /// <param name="firstSparse">The first layer with experts where the config does not say.</param>
    protected static FeedForwardConfig ReadExperts(JsonSettings settings, int layer, FeedForwardConfig dense, ExpertsFeedForward fallback, int shared,
        int firstSparse)
    {
        int each = settings.Integer("moe_intermediate_size", fallback.HiddenWidth), count = settings.Integer("n_shared_experts", shared, least: 0);
        ExpertRouting routing = fallback.Routing;
        settings.Has(FurtherLayersField);
        ExpertsFeedForward sparse = fallback with
        {
            HiddenWidth = each,
            Activation = dense.Activation,
            Routing = routing with
            {
                Experts = settings.Integer("n_routed_experts", routing.Experts),
                Chosen = settings.Integer("num_experts_per_tok", routing.Chosen),
                NormalizesChosen = settings.Boolean("norm_topk_prob", routing.NormalizesChosen),
                Scale = settings.Single("routed_scaling_factor", routing.Scale),
                Groups = settings.Integer("n_group", routing.Groups),
                ChosenGroups = settings.Integer("topk_group", routing.ChosenGroups),
            },
            Shared = count == 0 ? null : new GatedFeedForward(count * each, dense.Activation),
        };
        return layer < settings.Integer("first_k_dense_replace", firstSparse, least: 0) ? dense : sparse;
    }

    /// <summary>Writes what stands in a config of the experts; false where the model has none.</summary>
    protected static bool WriteExperts(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[^1].FeedForward is not ExpertsFeedForward sparse)
            return false;
        json.WriteNumber("moe_intermediate_size", sparse.HiddenWidth);
        json.WriteNumber("n_shared_experts", (sparse.Shared?.HiddenWidth ?? 0) / sparse.HiddenWidth);
        json.WriteNumber("n_routed_experts", sparse.Routing.Experts);
        json.WriteNumber("num_experts_per_tok", sparse.Routing.Chosen);
        json.WriteNumber("n_group", sparse.Routing.Groups);
        json.WriteNumber("topk_group", sparse.Routing.ChosenGroups);
        json.WriteBoolean("norm_topk_prob", sparse.Routing.NormalizesChosen);
        WriteFloat(json, "routed_scaling_factor", sparse.Routing.Scale);
        json.WriteNumber("first_k_dense_replace", config.Stack.Blocks.TakeWhile(block => block.FeedForward is not ExpertsFeedForward).Count());
        return true;
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width)
    {
        if (config is not ExpertsFeedForward sparse)
            return base.FeedForwardNames(config, theirs, ours, width);
        IEnumerable<WeightName> names = Experts($"{theirs}.mlp", ours, width, sparse, "gate_proj", "up_proj", "down_proj");
        if (sparse.ChoiceBias)
            names = names.Append(WeightName.Whole($"{theirs}.mlp.gate.e_score_correction_bias", $"{ours}.router.choice_bias", sparse.Routing.Experts));
        return sparse.Shared is null ? names : names.Concat(Gated($"{theirs}.mlp.shared_experts", $"{ours}.shared", width, sparse.Shared));
    }

    private bool IsOfFurtherLayer(string bareName, int layers) => bareName.Split('.') is ["layers", string number, _, ..]
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && layer >= layers && layer - layers < furtherLayers;
}
