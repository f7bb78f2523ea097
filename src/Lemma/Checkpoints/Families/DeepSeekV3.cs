using System.Globalization;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>DeepSeek-V3: latent attention, experts in groups chosen by sigmoid scores with a bias for the choice, shared experts.</summary>
/// <remarks>Layers behind the last one that predict further tokens in training (DeepSeek-AI 2024, section 2.2) are left out, as transformers does.</remarks>
internal sealed class DeepSeekV3 : LlamaLike
{
    private const string FurtherLayersField = "num_nextn_predict_layers";

    /// <summary>Layers of the file behind the last one that predict further tokens.</summary>
    private int FurtherLayers { get; init; }

    public override string Name => "deepseek_v3";

    protected override string ArchitectureOf(ModelConfig config) => "DeepseekV3ForCausalLM";

    public override Family For(JsonSettings settings) =>
        new DeepSeekV3 { FurtherLayers = settings.Integer(FurtherLayersField, 0, least: 0, most: MostLayers) };

    public override bool Ignores(string name, ModelConfig config) => base.Ignores(name, config) || IsOfFurtherLayer(Bare(name), ((DecoderConfig)config).Layers);

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes);
        int plain = settings.Integer("qk_nope_head_dim", 128), turning = settings.Integer("qk_rope_head_dim", 64);
        settings.Has("qk_head_dim");
        RotaryConfig rotary = RotaryFields.Read(settings, turning, sizes.Length) with { Interleaved = settings.Boolean("rope_interleave", true) };
        LatentAttentionConfig latent = new()
        {
            Heads = sizes.Heads,
            QueryRank = settings.Has("q_lora_rank") ? settings.Integer("q_lora_rank") : null,
            KeyValueRank = settings.Integer("kv_lora_rank", 512),
            PlainWidth = plain,
            RotaryWidth = turning,
            ValueWidth = settings.Integer("v_head_dim", 128),
            Rotary = rotary,
            Norm = new RmsNormConfig(1e-6f),
            Scale = ScaleOf(settings, plain + turning, rotary),
            Bias = settings.Boolean("attention_bias", false),
        };
        int each = settings.Integer("moe_intermediate_size", 2048), shared = settings.Integer("n_shared_experts", 1, least: 0);
        Activation activation = block.FeedForward.Activation;
        ExpertsFeedForward sparse = new(each, new ExpertRouting
        {
            Experts = settings.Integer("n_routed_experts", 256),
            Chosen = settings.Integer("num_experts_per_tok", 8),
            Score = RouterScore.Sigmoid,
            NormalizesChosen = settings.Boolean("norm_topk_prob", true),
            Scale = settings.Single("routed_scaling_factor", 2.5),
            Groups = settings.Integer("n_group", 8),
            ChosenGroups = settings.Integer("topk_group", 4),
        }, activation)
        {
            Shared = shared == 0 ? null : new GatedFeedForward(shared * each, activation),
            ChoiceBias = true,
        };
        int dense = settings.Integer("first_k_dense_replace", 3, least: 0);
        // Written by the family, with no other meaning than these.
        foreach ((string name, string only) in ((string, string)[])[("scoring_func", "sigmoid"), ("topk_method", "noaux_tc")])
        {
            if (settings.Text(name, only) is string found && found != only)
                throw settings.Error($"\"{name}\": '{found}' is not supported");
        }
        settings.Integer("moe_layer_freq", 1, most: 1);
        settings.Has(FurtherLayersField);
        settings.Has("ep_size");
        settings.Has("seq_aux");
        settings.Has("aux_loss_alpha");
        return block with { Mixer = latent, FeedForward = layer < dense ? block.FeedForward : sparse };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not LatentAttentionConfig latent || config.Stack.Blocks[^1].FeedForward is not ExpertsFeedForward sparse)
            return false;
        json.WriteNumber("num_attention_heads", latent.Heads);
        json.WriteNumber("num_key_value_heads", latent.Heads);
        json.WriteNumber("head_dim", latent.RotaryWidth);
        if (latent.QueryRank is { } rank)
            json.WriteNumber("q_lora_rank", rank);
        else
            json.WriteNull("q_lora_rank");
        json.WriteNumber("kv_lora_rank", latent.KeyValueRank);
        json.WriteNumber("qk_nope_head_dim", latent.PlainWidth);
        json.WriteNumber("qk_rope_head_dim", latent.RotaryWidth);
        json.WriteNumber("qk_head_dim", latent.HeadWidth);
        json.WriteNumber("v_head_dim", latent.ValueWidth);
        json.WriteBoolean("attention_bias", latent.Bias);
        json.WriteBoolean("rope_interleave", latent.Rotary.Interleaved);
        RotaryFields.Write(json, latent.Rotary, latent.RotaryWidth);
        json.WriteNumber("moe_intermediate_size", sparse.HiddenWidth);
        json.WriteNumber("n_shared_experts", (sparse.Shared?.HiddenWidth ?? 0) / sparse.HiddenWidth);
        json.WriteNumber("n_routed_experts", sparse.Routing.Experts);
        json.WriteNumber("num_experts_per_tok", sparse.Routing.Chosen);
        json.WriteNumber("n_group", sparse.Routing.Groups);
        json.WriteNumber("topk_group", sparse.Routing.ChosenGroups);
        json.WriteBoolean("norm_topk_prob", sparse.Routing.NormalizesChosen);
        json.WriteNumber("routed_scaling_factor", sparse.Routing.Scale);
        json.WriteNumber("first_k_dense_replace", config.Stack.Blocks.TakeWhile(block => block.FeedForward is not ExpertsFeedForward).Count());
        return true;
    }

    protected override IEnumerable<WeightName> MixerNames(MixerConfig mixer, string theirs, string ours, int width)
    {
        LatentAttentionConfig latent = (LatentAttentionConfig)mixer;
        string attention = $"{theirs}.self_attn";
        int queries = latent.Heads * latent.HeadWidth;
        if (latent.QueryRank is { } rank)
        {
            foreach (WeightName weight in WeightName.Linear($"{attention}.q_a_proj", $"{ours}.query_down", rank, latent.Bias))
                yield return weight;
            yield return WeightName.Whole($"{attention}.q_a_layernorm.weight", $"{ours}.query_norm.weight", rank);
        }
        yield return WeightName.Whole($"{attention}.{(latent.QueryRank is null ? "q_proj" : "q_b_proj")}.weight", $"{ours}.query.weight", queries);
        foreach (WeightName weight in WeightName.Linear($"{attention}.kv_a_proj_with_mqa", $"{ours}.latent", latent.KeyValueRank + latent.RotaryWidth, latent.Bias))
            yield return weight;
        yield return WeightName.Whole($"{attention}.kv_a_layernorm.weight", $"{ours}.latent_norm.weight", latent.KeyValueRank);
        yield return WeightName.Whole($"{attention}.kv_b_proj.weight", $"{ours}.key_value.weight", latent.Heads * (latent.PlainWidth + latent.ValueWidth));
        foreach (WeightName weight in WeightName.Linear($"{attention}.o_proj", $"{ours}.output", width, latent.Bias))
            yield return weight;
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width)
    {
        if (config is not ExpertsFeedForward sparse)
            return base.FeedForwardNames(config, theirs, ours, width);
        IEnumerable<WeightName> names = Experts($"{theirs}.mlp", ours, width, sparse, "gate_proj", "up_proj", "down_proj")
            .Append(WeightName.Whole($"{theirs}.mlp.gate.e_score_correction_bias", $"{ours}.router.choice_bias", sparse.Routing.Experts));
        return sparse.Shared is null ? names : names.Concat(Gated($"{theirs}.mlp.shared_experts", $"{ours}.shared", width, sparse.Shared));
    }

    private bool IsOfFurtherLayer(string bareName, int layers) => bareName.Split('.') is ["layers", string number, _, ..]
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && layer >= layers && layer - layers < FurtherLayers;

    // YaRN of this family scales the scores by the square of its magnitude.
    private static float? ScaleOf(JsonSettings settings, int width, RotaryConfig rotary)
    {
        JsonSettings? section = settings.Section("rope_parameters") ?? settings.Section("rope_scaling");
        double all = section?.Number("mscale_all_dim", 0) ?? 0;
        if (rotary.Scaling is not Formulas.YarnRopeScaling yarn || all == 0)
            return null;
        double magnitude = Formulas.YarnRopeScaling.MagnitudeOf(yarn.Factor, all);
        return (float)(magnitude * magnitude / Math.Sqrt(width));
    }
}
