using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>StarCoder2: LayerNorms, a plain feed-forward with tanh's GELU, biases everywhere, a window or none.</summary>
internal sealed class Starcoder2 : LlamaLike
{
    public override string Name => "starcoder2";

    public override GgufMap Gguf { get; } = LlamaGguf("starcoder2", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Presence("use_bias", "blk.0.attn_q.bias");
    }, "norm_epsilon") with
    {
        Names = GgufLlama.NamesWith(("model.layers.#.mlp.c_fc", "blk.#.ffn_up"), ("model.layers.#.mlp.c_proj", "blk.#.ffn_down")),
    };

    protected override string ArchitectureOf(ModelConfig config) => "Starcoder2ForCausalLM";

    protected override bool TiesByDefault => true;

    protected override string EpsilonField => "norm_epsilon";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        // Written by the family, with no other meaning than these.
        foreach ((string name, string only) in ((string, string)[])[("norm_type", "layer_norm"), ("mlp_type", "default")])
        {
            if (settings.Text(name, only) is string found && found != only)
                throw settings.Error($"\"{name}\": '{found}' is not supported");
        }
        settings.RequireBoolean("scale_attn_weights", expected: true, fallback: true);
        // Names of other readers for what stands under others, and how they compute the softmax.
        foreach (string name in (string[])["activation_function", "layer_norm_epsilon", "attention_softmax_in_fp32", "scale_attention_softmax_in_fp32"])
            settings.Has(name);
        bool bias = settings.Boolean("use_bias", true);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias, "gelu_pytorch_tanh");
        int? window = settings.Has("sliding_window") ? settings.Integer("sliding_window", most: 1 << 28) : null;
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { Window = window },
            FeedForward = new PlainFeedForward(sizes.Hidden, block.FeedForward.Activation, bias),
            Before = new LayerNormConfig(block.Before!.Epsilon),
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig attention)
            return false;
        json.WriteBoolean("use_bias", attention.InputBias);
        WriteWindow(json, WindowOf(config));
        return true;
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        Plain(theirs, ours, width, config, "c_fc", "c_proj");
}
