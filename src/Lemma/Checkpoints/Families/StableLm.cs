using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>StableLM: Llama with LayerNorms and positions in a part of each head; its branches may be parallel, through one norm.</summary>
internal sealed class StableLm : LlamaLike
{
    public override string Name => "stablelm";

    public override GgufMap Gguf { get; } = LlamaGguf("stablelm", static fields =>
    {
        GgufRotary.Describe(fields);
        fields.Flag("use_parallel_residual", "use_parallel_residual");
        fields.Presence("use_qkv_bias", "blk.0.attn_q.bias");
    }, "layer_norm_eps");

    protected override string ArchitectureOf(ModelConfig config) => "StableLmForCausalLM";

    protected override string EpsilonField => "layer_norm_eps";

    protected override bool WritesRotary => false;

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        RequireHeadsOfWidth(settings, sizes);
        // Each head would have a norm of its own.
        settings.RequireBoolean("qk_layernorm", expected: false, fallback: false);
        BlockConfig block = LlamaBlock(settings, sizes, settings.Boolean("use_qkv_bias", false));
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { Rotary = RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, share: 0.25) },
            Before = new LayerNormConfig(block.Before!.Epsilon),
            Order = settings.Boolean("use_parallel_residual", false) ? BranchOrder.ParallelOneNorm : BranchOrder.Sequential,
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0] is not { Mixer: AttentionConfig { Rotary: { } rotary } attention } block)
            return false;
        json.WriteBoolean("use_qkv_bias", attention.InputBias);
        json.WriteBoolean("qk_layernorm", false);
        json.WriteBoolean("use_parallel_residual", block.Order == BranchOrder.ParallelOneNorm);
        RotaryFields.Write(json, rotary, attention.HeadWidth, saysShare: true);
        return true;
    }
}
