using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>What the GGUF architectures like Llama share: values, names, and the changes that some of them make.</summary>
internal static class GgufLlama
{
    /// <summary>The names of a Llama, with those of further parts that families add.</summary>
    public static readonly (string Theirs, string Ours)[] Names =
    [
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
        ("model.layers.#.input_layernorm", "blk.#.attn_norm"),
        ("model.layers.#.post_attention_layernorm", "blk.#.ffn_norm"),
        ("model.layers.#.self_attn.q_proj", "blk.#.attn_q"),
        ("model.layers.#.self_attn.k_proj", "blk.#.attn_k"),
        ("model.layers.#.self_attn.v_proj", "blk.#.attn_v"),
        ("model.layers.#.self_attn.o_proj", "blk.#.attn_output"),
        ("model.layers.#.self_attn.qkv_proj", "blk.#.attn_qkv"),
        ("model.layers.#.self_attn.q_norm", "blk.#.attn_q_norm"),
        ("model.layers.#.self_attn.k_norm", "blk.#.attn_k_norm"),
        ("model.layers.#.mlp.gate_proj", "blk.#.ffn_gate"),
        ("model.layers.#.mlp.up_proj", "blk.#.ffn_up"),
        ("model.layers.#.mlp.down_proj", "blk.#.ffn_down"),
        ("model.layers.#.mlp.gate_up_proj", "blk.#.ffn_up"),
        ("model.layers.#.mlp.gate", "blk.#.ffn_gate_inp"),
        ("model.layers.#.mlp.experts.#.gate_proj", "blk.#.ffn_gate_exps"),
        ("model.layers.#.mlp.experts.#.up_proj", "blk.#.ffn_up_exps"),
        ("model.layers.#.mlp.experts.#.down_proj", "blk.#.ffn_down_exps"),
        ("model.layers.#.mlp.shared_expert.gate_proj", "blk.#.ffn_gate_shexp"),
        ("model.layers.#.mlp.shared_expert.up_proj", "blk.#.ffn_up_shexp"),
        ("model.layers.#.mlp.shared_expert.down_proj", "blk.#.ffn_down_shexp"),
        ("model.layers.#.mlp.shared_expert_gate", "blk.#.ffn_gate_inp_shexp"),
        ("model.layers.#.block_sparse_moe.gate", "blk.#.ffn_gate_inp"),
        ("model.layers.#.block_sparse_moe.experts.#.w1", "blk.#.ffn_gate_exps"),
        ("model.layers.#.block_sparse_moe.experts.#.w3", "blk.#.ffn_up_exps"),
        ("model.layers.#.block_sparse_moe.experts.#.w2", "blk.#.ffn_down_exps"),
    ];

    /// <summary>The names where a norm stands before and behind each branch, or behind it alone.</summary>
    public static IReadOnlyList<(string Theirs, string Ours)> NamesWithNormsBehind { get; } =
    [
        .. Names.Where(pair => pair.Theirs != "model.layers.#.post_attention_layernorm"),
        ("model.layers.#.post_attention_layernorm", "blk.#.post_attention_norm"),
        ("model.layers.#.pre_feedforward_layernorm", "blk.#.ffn_norm"),
        ("model.layers.#.post_feedforward_layernorm", "blk.#.post_ffw_norm"),
    ];

    /// <summary>The names with others for some of the family's.</summary>
    public static IReadOnlyList<(string Theirs, string Ours)> NamesWith(params (string Theirs, string Ours)[] own) =>
        [.. Names.Where(pair => own.All(other => other.Theirs != pair.Theirs)), .. own];

    /// <summary>The values that all have.</summary>
    /// <param name="fields">The fields.</param>
    /// <param name="layerNorm">The field of ε where norms are LayerNorms; null for RMS norms.</param>
    public static void Describe(GgufFields fields, string? layerNorm = null)
    {
        fields.Whole("context_length", "max_position_embeddings");
        fields.Whole("embedding_length", "hidden_size");
        if (fields.Facts is { FurtherBlocks: > 0 and var further } facts)
        {
            fields.Ask("block_count");
            fields.Json.WriteNumber("num_hidden_layers", facts.Whole("block_count")!.Value - further);
        }
        else
            fields.Whole("block_count", "num_hidden_layers");
        fields.Whole("feed_forward_length", "intermediate_size");
        fields.Whole("attention.head_count", "num_attention_heads");
        fields.Whole("attention.head_count_kv", "num_key_value_heads", isOptional: true);
        if (layerNorm is null)
            fields.Number("attention.layer_norm_rms_epsilon", "rms_norm_eps");
        else
            fields.Number("attention.layer_norm_epsilon", layerNorm);
        fields.Vocabulary();
    }

    /// <summary>The width of a head, which must be that of its values too.</summary>
    public static void HeadWidth(GgufFields fields)
    {
        fields.Whole("attention.key_length", "head_dim", isOptional: true);
        if (fields.Facts is not { } facts)
            fields.Write("attention.value_length", fields.Config.GetProperty("head_dim").GetUInt32());
        else if (facts.Whole("attention.value_length") is { } width && width != HeadWidthOf(facts))
            throw facts.Error($"the values of a head must be as wide as its keys, but are {width} and {HeadWidthOf(facts)}");
    }

    /// <summary>Experts: how many, and how many a row takes.</summary>
    public static void Experts(GgufFields fields, string count, string chosen)
    {
        const int MostExperts = 1 << 12;
        if (fields.Facts is { } facts && facts.Whole("expert_count") is > MostExperts and var many)
            throw facts.Error($"there can be at most {MostExperts} experts, but the file says {many}");
        fields.Whole("expert_count", count);
        fields.Whole("expert_used_count", chosen);
    }

    /// <summary>Experts in groups: how a row's are chosen, and shared ones.</summary>
    /// <param name="fields">The fields.</param>
    /// <param name="gating">How scores are made: 1 by softmax, 2 by σ.</param>
    public static void GroupedExperts(GgufFields fields, uint gating)
    {
        fields.Whole("leading_dense_block_count", "first_k_dense_replace");
        fields.Whole("expert_feed_forward_length", "moe_intermediate_size");
        fields.Whole("expert_shared_count", "n_shared_experts");
        fields.Number("expert_weights_scale", "routed_scaling_factor");
        Experts(fields, "n_routed_experts", "num_experts_per_tok");
        fields.Ask("expert_weights_norm", "expert_group_count", "expert_group_used_count", "expert_gating_func");
        if (fields.Facts is { } facts)
        {
            fields.Computed("n_group", static facts => facts.Whole("expert_group_count") ?? 1);
            fields.Computed("topk_group", static facts => facts.Whole("expert_group_used_count") ?? 1);
            fields.Always("norm_topk_prob", facts.Flag("expert_weights_norm") ?? false);
            return;
        }
        fields.Write("expert_gating_func", gating);
        fields.Write("expert_group_count", fields.Config.GetProperty("n_group").GetUInt32());
        fields.Write("expert_group_used_count", fields.Config.GetProperty("topk_group").GetUInt32());
        fields.Write("expert_weights_norm", fields.Config.GetProperty("norm_topk_prob").GetBoolean());
    }

    /// <summary>Which layers have a window, as a list of flags.</summary>
    public static void LayerWindows(GgufFields fields)
    {
        const string Key = "attention.sliding_window_pattern", Sliding = "sliding_attention";
        fields.Whole("attention.sliding_window", "sliding_window");
        fields.Ask(Key);
        if (fields.Facts is not { } facts)
        {
            fields.Write(Key, fields.Config.GetProperty("layer_types").EnumerateArray().Select(type => type.GetString() == Sliding).ToArray());
            return;
        }
        if (facts.Values.GetValueOrDefault($"{facts.Architecture}.{Key}") is not bool[] windows)
            throw facts.Error($"the value {facts.Architecture}.{Key} must be a list of true and false");
        fields.Json.WriteStartArray("layer_types");
        foreach (bool isSliding in windows)
            fields.Json.WriteStringValue(isSliding ? Sliding : "full_attention");
        fields.Json.WriteEndArray();
    }

    /// <summary>The width of a head as the values say it, or of equal parts of a row.</summary>
    public static long HeadWidthOf(GgufFacts facts) => facts.Whole("attention.key_length")
        ?? (facts.Whole("attention.head_count") is > 0 and var heads ? facts.Whole("embedding_length") / heads : null) ?? 0;

    /// <summary>Queries and keys whose turning columns are neighbours.</summary>
    public static IEnumerable<WeightName> WithNeighboursTurning(WeightName name, ModelConfig config)
    {
        bool isTurning = name.Name.Contains(".q_proj.", StringComparison.Ordinal) || name.Name.Contains(".k_proj.", StringComparison.Ordinal);
        return [isTurning ? name.WithNeighboursTurning(((AttentionConfig)config.AllBlocks.First().Mixer).HeadWidth) : name];
    }

    /// <summary>Gains that the file has with the one that the family adds.</summary>
    public static IEnumerable<WeightName> WithOneMore(WeightName name, ModelConfig config) =>
        [name.Name.EndsWith("norm.weight", StringComparison.Ordinal) ? name with { Offset = 1 } : name];
}
