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

    public override GgufMap Gguf { get; } = new("deepseek2",
    [
        .. GgufLlama.Names,
        ("model.layers.#.self_attn.q_a_proj", "blk.#.attn_q_a"),
        ("model.layers.#.self_attn.q_a_layernorm", "blk.#.attn_q_a_norm"),
        ("model.layers.#.self_attn.q_b_proj", "blk.#.attn_q_b"),
        ("model.layers.#.self_attn.kv_a_proj_with_mqa", "blk.#.attn_kv_a_mqa"),
        ("model.layers.#.self_attn.kv_a_layernorm", "blk.#.attn_kv_a_norm"),
        ("model.layers.#.self_attn.k_b_proj", "blk.#.attn_k_b"),
        ("model.layers.#.self_attn.v_b_proj", "blk.#.attn_v_b"),
        ("model.layers.#.mlp.gate.e_score_correction_bias", "blk.#.exp_probs_b.bias"),
        ("model.layers.#.mlp.shared_experts.gate_proj", "blk.#.ffn_gate_shexp"),
        ("model.layers.#.mlp.shared_experts.up_proj", "blk.#.ffn_up_shexp"),
        ("model.layers.#.mlp.shared_experts.down_proj", "blk.#.ffn_down_shexp"),
    ], DescribeGguf)
    {
        Change = WithLatentHalves,
    };

    // Attention with latents is that of one wide key for all heads there.
    private static void DescribeGguf(GgufFields fields)
    {
        const uint Sigmoid = 2;
        fields.Whole("context_length", "max_position_embeddings");
        fields.Whole("embedding_length", "hidden_size");
        fields.Whole("block_count", "num_hidden_layers");
        fields.Whole("feed_forward_length", "intermediate_size");
        fields.Whole("attention.head_count", "num_attention_heads");
        fields.Number("attention.layer_norm_rms_epsilon", "rms_norm_eps");
        fields.Vocabulary();
        fields.Whole("attention.q_lora_rank", "q_lora_rank", isOptional: true);
        fields.Whole("attention.kv_lora_rank", "kv_lora_rank");
        fields.Whole("attention.value_length_mla", "v_head_dim");
        fields.Whole("leading_dense_block_count", "first_k_dense_replace");
        fields.Whole("expert_feed_forward_length", "moe_intermediate_size");
        fields.Whole("expert_shared_count", "n_shared_experts");
        fields.Number("expert_weights_scale", "routed_scaling_factor");
        GgufLlama.Experts(fields, "n_routed_experts", "num_experts_per_tok");
        GgufRotary.Describe(fields, width: static config => config.GetProperty("qk_rope_head_dim").GetInt32());
        fields.Always("rope_interleave", true);
        fields.Ask("attention.key_length", "attention.head_count_kv", "attention.key_length_mla", "expert_weights_norm", "expert_group_count",
            "expert_group_used_count", "expert_gating_func");
        if (fields.Facts is { } facts)
        {
            if (facts.Whole("expert_gating_func") != Sigmoid)
                throw facts.Error($"experts must be chosen by sigmoid scores ({Sigmoid}), as in DeepSeek-V3, "
                    + $"but expert_gating_func is {facts.Whole("expert_gating_func") ?? 0}");
            long turning = facts.Whole("rope.dimension_count") ?? throw facts.Error("the value deepseek2.rope.dimension_count is missing");
            long whole = facts.Whole("attention.key_length_mla")
                ?? throw facts.Error("the value deepseek2.attention.key_length_mla is missing, as in files older than 2025, which must be converted again");
            fields.Computed("qk_rope_head_dim", _ => turning);
            fields.Computed("head_dim", _ => turning);
            fields.Computed("qk_nope_head_dim", _ => whole - turning);
            fields.Computed("n_group", static facts => facts.Whole("expert_group_count") ?? 1);
            fields.Computed("topk_group", static facts => facts.Whole("expert_group_used_count") ?? 1);
            fields.Always("norm_topk_prob", facts.Flag("expert_weights_norm") ?? false);
            return;
        }
        uint Field(string name) => fields.Config.GetProperty(name).GetUInt32();
        fields.Write("attention.head_count_kv", 1u);
        fields.Write("attention.key_length", Field("kv_lora_rank") + Field("qk_rope_head_dim"));
        fields.Write("attention.value_length", Field("kv_lora_rank"));
        fields.Write("attention.key_length_mla", Field("qk_head_dim"));
        fields.Write("expert_gating_func", Sigmoid);
        fields.Write("expert_group_count", Field("n_group"));
        fields.Write("expert_group_used_count", Field("topk_group"));
        fields.Write("expert_weights_norm", fields.Config.GetProperty("norm_topk_prob").GetBoolean());
        if (fields.Config.GetProperty("rope_parameters").TryGetProperty("mscale_all_dim", out JsonElement all))
            fields.Write("rope.scaling.yarn_log_multiplier", (float)(0.1 * all.GetDouble()));
    }

    // Keys and values of each head are a tensor each; that of the keys turned, so that queries meet it as it lies.
    private static IEnumerable<WeightName> WithLatentHalves(WeightName name, ModelConfig config)
    {
        if (!name.Name.EndsWith("kv_b_proj.weight", StringComparison.Ordinal))
            return [name];
        LatentAttentionConfig latent = (LatentAttentionConfig)config.AllBlocks.First().Mixer;
        (int heads, int plain, int width) = (latent.Heads, latent.PlainWidth, latent.ValueWidth);
        WeightName Part(string part, int first, int rows) => name with
        {
            Name = name.Name.Replace("kv_b_proj", part, StringComparison.Ordinal),
            Rows = heads * rows,
            Stack = heads,
            RowOf = row => row / rows * (plain + width) + first + row % rows,
        };
        return [Part("k_b_proj", 0, plain) with { Transposed = true }, Part("v_b_proj", plain, width)];
    }

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
