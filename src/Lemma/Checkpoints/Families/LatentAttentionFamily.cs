using System.Text.Json;
using Lemma.Formats;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>The families with the latent attention of DeepSeek: how its sizes and names stand in their files.</summary>
internal abstract class LatentAttentionFamily : GroupedExperts
{
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
