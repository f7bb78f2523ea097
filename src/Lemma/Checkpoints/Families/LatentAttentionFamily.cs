using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>The families with the latent attention of DeepSeek: how its sizes and names stand in their files.</summary>
internal abstract class LatentAttentionFamily : GroupedExperts
{
    /// <summary>What GGUF calls scores of experts by softmax, and by σ.</summary>
    protected const uint Softmax = 1, Sigmoid = 2;

    /// <summary>The GGUF architecture of a family: attention with latents is that of one wide key for all heads there.</summary>
    /// <param name="gating">How scores of experts are made.</param>
    /// <param name="more">The values that only this family has.</param>
    protected static GgufMap LatentGguf(uint gating, Action<GgufFields> more) => new("deepseek2",
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
    ], fields =>
    {
        DescribeGguf(fields, gating);
        more(fields);
    })
    {
        Suits = facts => (facts.Whole("expert_gating_func") ?? Softmax) == gating,
        Change = WithLatentHalves,
    };

    private static void DescribeGguf(GgufFields fields, uint gating)
    {
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
        GgufLlama.GroupedExperts(fields, gating);
        GgufRotary.Describe(fields, width: static config => config.GetProperty("qk_rope_head_dim").GetInt32());
        fields.Ask("attention.key_length", "attention.head_count_kv", "attention.key_length_mla");
        if (fields.Facts is { } facts)
        {
            long turning = facts.Whole("rope.dimension_count") ?? throw facts.Error("the value deepseek2.rope.dimension_count is missing");
            long whole = facts.Whole("attention.key_length_mla")
                ?? throw facts.Error("the value deepseek2.attention.key_length_mla is missing, as in files older than 2025, which must be converted again");
            fields.Computed("qk_rope_head_dim", _ => turning);
            fields.Computed("head_dim", _ => turning);
            fields.Computed("qk_nope_head_dim", _ => whole - turning);
            return;
        }
        uint Field(string name) => fields.Config.GetProperty(name).GetUInt32();
        fields.Write("attention.head_count_kv", 1u);
        fields.Write("attention.key_length", Field("kv_lora_rank") + Field("qk_rope_head_dim"));
        fields.Write("attention.value_length", Field("kv_lora_rank"));
        fields.Write("attention.key_length_mla", Field("qk_head_dim"));
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

    /// <summary>The attention of a config, whose positions turn pairs of neighbours.</summary>
    protected static LatentAttentionConfig ReadLatent(JsonSettings settings, in Sizes sizes)
    {
        int plain = settings.Integer("qk_nope_head_dim", 128), turning = settings.Integer("qk_rope_head_dim", 64);
        settings.Has("qk_head_dim");
        RotaryConfig rotary = RotaryFields.Read(settings, turning, sizes.Length) with { Interleaved = true };
        return new()
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
    }

    /// <summary>Writes its fields.</summary>
    protected static void WriteLatent(Utf8JsonWriter json, LatentAttentionConfig latent)
    {
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
        RotaryFields.Write(json, latent.Rotary, latent.RotaryWidth);
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

    /// <summary>Refuses what stands in these configs with no other meaning than one.</summary>
    protected static void RequireOnly(JsonSettings settings, string name, string only)
    {
        if (settings.Text(name, only) is string found && found != only)
            throw settings.Error($"\"{name}\": '{found}' is not supported");
    }

    // YaRN of these families scales the scores by the square of its magnitude, in their authors' code.
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
