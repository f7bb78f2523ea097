using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>OLMo 2: norms of what the branches give and none before them, and norms of whole rows of queries and keys.</summary>
internal sealed class Olmo2 : LlamaLike
{
    public override string Name => "olmo2";

    public override GgufMap Gguf { get; } = LlamaGguf("olmo2", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
    }) with
    {
        Names = GgufLlama.NamesWithNormsBehind,
        Suits = static facts => facts.Whole("attention.sliding_window") is null or 0,
    };

    protected override string ArchitectureOf(ModelConfig config) => "Olmo2ForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { QueryKeyNorm = block.Before, NormsWholeRows = true },
            Before = null,
            After = block.Before,
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig attention)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        return true;
    }
}
