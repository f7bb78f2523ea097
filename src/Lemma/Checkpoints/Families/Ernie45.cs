using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>ERNIE 4.5 (dense): Llama whose positions turn pairs of neighbours.</summary>
internal sealed class Ernie45 : LlamaLike
{
    public override string Name => "ernie4_5";

    public override GgufMap Gguf { get; } = LlamaGguf("ernie4_5", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Presence("use_bias", "blk.0.attn_q.bias");
    });

    protected override string ArchitectureOf(ModelConfig config) => "Ernie4_5ForCausalLM";

    protected override bool TiesByDefault => true;

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        settings.RequireBoolean("use_rmsnorm", expected: true, fallback: true);
        bool bias = settings.Boolean("use_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        RotaryConfig rotary = RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, theta: 500000) with { Interleaved = true };
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { Rotary = rotary },
            FeedForward = block.FeedForward with { Bias = bias },
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig attention)
            return false;
        json.WriteBoolean("use_bias", attention.InputBias);
        return true;
    }
}
