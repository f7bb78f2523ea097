using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>LFM2: short convolutions between gates in most layers, grouped attention with norms of queries and keys in the others.</summary>
internal sealed class Lfm2 : LlamaLike
{
    private const string Convolution = "conv", Full = "full_attention";

    public override string Name => "lfm2";

    protected override string ArchitectureOf(ModelConfig config) => "Lfm2ForCausalLM";

    protected override bool TiesByDefault => true;

    protected override string EpsilonField => "norm_eps";

    protected override bool WritesRotary => false;

    protected override string LastNorm => "model.embedding_norm";

    protected override (string Before, string After, string FeedForwardBefore, string FeedForwardAfter) NormNames(BlockConfig block) =>
        ("operator_norm", "", "ffn_norm", "");

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes);
        RotaryConfig rotary = RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, theta: 1e6);
        ShortConvolutionConfig convolution = new() { Kernel = settings.Integer("conv_L_cache", 3), Bias = settings.Boolean("conv_bias", false) };
        // Names that older files have for what stands under others, and what the sizes say already.
        foreach (string name in (string[])["conv_dim", "conv_dim_out", "block_mlp_init_scale", "block_norm_eps", "block_out_init_scale", "block_use_xavier_init",
            "conv_use_xavier_init", "num_heads", "block_dim"])
            settings.Has(name);
        settings.RequireBoolean("block_use_swiglu", expected: true, fallback: true);
        settings.RequireBoolean("use_pos_enc", expected: true, fallback: true);
        return block with
        {
            Mixer = IsConvolution(settings, sizes, layer) ? convolution : (AttentionConfig)block.Mixer with { Rotary = rotary, QueryKeyNorm = block.Before },
            FeedForward = block.FeedForward with { HiddenWidth = HiddenOf(settings, sizes) },
        };
    }

    protected override DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config) =>
        config with { Head = config.Head with { Tied = settings.Boolean("tie_embedding", config.Head.Tied) } };

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        AttentionConfig? attention = Attention(config);
        ShortConvolutionConfig? convolution = config.Stack.Blocks.Select(block => block.Mixer).OfType<ShortConvolutionConfig>().FirstOrDefault();
        if (attention?.Rotary is not { } rotary)
            return false;
        json.WriteNumber("conv_L_cache", convolution?.Kernel ?? 3);
        json.WriteBoolean("conv_bias", convolution?.Bias ?? false);
        json.WriteBoolean("block_auto_adjust_ff_dim", false);
        json.WriteStartArray("layer_types");
        foreach (BlockConfig block in config.Stack.Blocks)
            json.WriteStringValue(block.Mixer is AttentionConfig ? Full : Convolution);
        json.WriteEndArray();
        RotaryFields.Write(json, rotary, attention.HeadWidth);
        return true;
    }

    protected override IEnumerable<WeightName> MixerNames(MixerConfig mixer, string theirs, string ours, int width)
    {
        if (mixer is ShortConvolutionConfig convolution)
        {
            return
            [
                .. WeightName.Linear($"{theirs}.conv.in_proj", $"{ours}.input", 3 * width, convolution.Bias),
                WeightName.Whole($"{theirs}.conv.conv.weight", $"{ours}.convolution.weight", width) with { Sizes = [width, 1, convolution.Kernel] },
                .. convolution.Bias ? [WeightName.Whole($"{theirs}.conv.conv.bias", $"{ours}.convolution.bias", width)] : (WeightName[])[],
                .. WeightName.Linear($"{theirs}.conv.out_proj", $"{ours}.output", width, convolution.Bias),
            ];
        }
        return base.MixerNames(mixer, theirs, ours, width).Select(name => name with
        {
            Name = name.Name.Replace("o_proj", "out_proj", StringComparison.Ordinal).Replace("q_norm", "q_layernorm", StringComparison.Ordinal)
                .Replace("k_norm", "k_layernorm", StringComparison.Ordinal),
        });
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
    [
        WeightName.Whole($"{theirs}.feed_forward.w1.weight", $"{ours}.gate_up.weight", config.HiddenWidth),
        new($"{theirs}.feed_forward.w3.weight", $"{ours}.gate_up.weight", config.HiddenWidth, config.HiddenWidth),
        WeightName.Whole($"{theirs}.feed_forward.w2.weight", $"{ours}.down.weight", width),
    ];

    private static bool IsConvolution(JsonSettings settings, in Sizes sizes, int layer)
    {
        IReadOnlyList<int> full = settings.Ids("full_attn_idxs");
        string[] types = settings.Texts("layer_types");
        if (types.Length == 0)
            return full.Count > 0 && !full.Contains(layer);
        if (types.Length != sizes.Layers)
            throw settings.Error($"\"layer_types\" has {types.Length} entries for {sizes.Layers} layers");
        return types[layer] switch
        {
            Convolution => true,
            Full => false,
            string other => throw settings.Error($"\"layer_types\": '{other}' is not supported; supported are {Full}, {Convolution}"),
        };
    }

    // Files may say the width before two thirds of it are taken, times a factor and up to a multiple.
    private static int HiddenOf(JsonSettings settings, in Sizes sizes)
    {
        int hidden = settings.Integer("block_ff_dim", sizes.Hidden), multiple = settings.Integer("block_multiple_of", 256);
        double factor = settings.Number("block_ffn_dim_multiplier", 1);
        if (!settings.Boolean("block_auto_adjust_ff_dim", true))
            return hidden;
        long adjusted = (long)(factor * (int)(2L * hidden / 3));
        adjusted = (adjusted + multiple - 1) / multiple * multiple;
        return adjusted is > 0 and <= 1 << 26 ? (int)adjusted : throw settings.Error($"\"block_ffn_dim_multiplier\": a hidden width of {adjusted} is not supported");
    }
}
