using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>DeepSeek-V3: latent attention, experts in groups chosen by sigmoid scores with a bias for the choice, shared experts.</summary>
internal sealed class DeepSeekV3 : LatentAttentionFamily
{
    private static readonly ExpertsFeedForward Fallback = new(2048, new ExpertRouting
    {
        Experts = 256,
        Chosen = 8,
        Score = RouterScore.Sigmoid,
        NormalizesChosen = true,
        Scale = 2.5f,
        Groups = 8,
        ChosenGroups = 4,
    })
    {
        ChoiceBias = true,
    };

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

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes);
        LatentAttentionConfig latent = ReadLatent(settings, sizes);
        latent = latent with { Rotary = latent.Rotary with { Interleaved = settings.Boolean("rope_interleave", true) } };
        RequireOnly(settings, "scoring_func", "sigmoid");
        RequireOnly(settings, "topk_method", "noaux_tc");
        settings.Integer("moe_layer_freq", 1, most: 1);
        settings.Has("ep_size");
        settings.Has("seq_aux");
        settings.Has("aux_loss_alpha");
        return block with { Mixer = latent, FeedForward = ReadExperts(settings, layer, block.FeedForward, Fallback, shared: 1, firstSparse: 3) };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not LatentAttentionConfig latent)
            return false;
        WriteLatent(json, latent);
        json.WriteBoolean("rope_interleave", latent.Rotary.Interleaved);
        return WriteExperts(json, config);
    }
}
