using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>GLM-4.5 and 4.6: grouped attention with positions in a part of each head, and the experts of DeepSeek-V3.</summary>
internal sealed class Glm4Moe : GroupedExperts
{
    private static readonly ExpertsFeedForward Fallback = new(1408,
        new ExpertRouting { Experts = 128, Chosen = 8, Score = RouterScore.Sigmoid, NormalizesChosen = true })
    {
        ChoiceBias = true,
    };

    public override string Name => "glm4_moe";

    public override GgufMap Gguf { get; } = LlamaGguf("glm4moe", static fields =>
    {
        const uint Sigmoid = 2;
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        GgufLlama.GroupedExperts(fields, Sigmoid);
        fields.Presence("attention_bias", "blk.0.attn_q.bias");
        fields.Presence("use_qk_norm", "blk.0.attn_q_norm.weight");
        if (fields.Facts is { } facts && (facts.Whole("expert_gating_func") ?? Sigmoid) != Sigmoid)
            throw facts.Error($"experts must be chosen by sigmoid scores ({Sigmoid}), but expert_gating_func is {facts.Whole("expert_gating_func")}");
    }) with
    {
        Names = GgufLlama.NamesWith(("model.layers.#.post_attention_layernorm", "blk.#.post_attention_norm"),
            ("model.layers.#.mlp.gate.e_score_correction_bias", "blk.#.exp_probs_b.bias"),
            ("model.layers.#.mlp.shared_experts.gate_proj", "blk.#.ffn_gate_shexp"),
            ("model.layers.#.mlp.shared_experts.up_proj", "blk.#.ffn_up_shexp"),
            ("model.layers.#.mlp.shared_experts.down_proj", "blk.#.ffn_down_shexp")),
    };

    protected override string ArchitectureOf(ModelConfig config) => "Glm4MoeForCausalLM";

    protected override bool WritesRotary => false;

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes, settings.Boolean("attention_bias", false));
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with
            {
                Rotary = RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, share: 0.5),
                QueryKeyNorm = settings.Boolean("use_qk_norm", false) ? block.Before : null,
            },
            FeedForward = ReadExperts(settings, layer, block.FeedForward, Fallback, shared: 1, firstSparse: 1),
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig { Rotary: { } rotary } attention)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteBoolean("use_qk_norm", attention.QueryKeyNorm is not null);
        RotaryFields.Write(json, rotary, attention.HeadWidth, saysShare: true);
        return WriteExperts(json, config);
    }
}
