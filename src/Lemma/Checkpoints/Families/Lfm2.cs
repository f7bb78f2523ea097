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

    public override GgufMap Gguf { get; } = new("lfm2",
    [
        ("model.embed_tokens", "token_embd"),
        ("model.embedding_norm", "token_embd_norm"),
        ("lm_head", "output"),
        ("model.layers.#.operator_norm", "blk.#.attn_norm"),
        ("model.layers.#.ffn_norm", "blk.#.ffn_norm"),
        ("model.layers.#.conv.in_proj", "blk.#.shortconv.in_proj"),
        ("model.layers.#.conv.conv", "blk.#.shortconv.conv"),
        ("model.layers.#.conv.out_proj", "blk.#.shortconv.out_proj"),
        ("model.layers.#.self_attn.q_proj", "blk.#.attn_q"),
        ("model.layers.#.self_attn.k_proj", "blk.#.attn_k"),
        ("model.layers.#.self_attn.v_proj", "blk.#.attn_v"),
        ("model.layers.#.self_attn.out_proj", "blk.#.attn_output"),
        ("model.layers.#.self_attn.q_layernorm", "blk.#.attn_q_norm"),
        ("model.layers.#.self_attn.k_layernorm", "blk.#.attn_k_norm"),
        ("model.layers.#.feed_forward.w1", "blk.#.ffn_gate"),
        ("model.layers.#.feed_forward.w3", "blk.#.ffn_up"),
        ("model.layers.#.feed_forward.w2", "blk.#.ffn_down"),
    ], DescribeGguf);

    // A convolution is a block without heads of keys and values.
    private static void DescribeGguf(GgufFields fields)
    {
        const string Heads = "attention.head_count_kv";
        fields.Whole("context_length", "max_position_embeddings");
        fields.Whole("embedding_length", "hidden_size");
        fields.Whole("block_count", "num_hidden_layers");
        fields.Whole("feed_forward_length", "intermediate_size");
        fields.Whole("attention.head_count", "num_attention_heads");
        fields.Number("attention.layer_norm_rms_epsilon", "norm_eps");
        fields.Whole("shortconv.l_cache", "conv_L_cache");
        fields.Vocabulary();
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Ask(Heads);
        fields.Always("block_auto_adjust_ff_dim", false);
        if (fields.Facts is not { } facts)
        {
            int each = fields.Config.GetProperty("num_key_value_heads").GetInt32();
            fields.Write(Heads, fields.Config.GetProperty("layer_types").EnumerateArray().Select(type => type.GetString() == Full ? each : 0).ToArray());
            return;
        }
        long[] heads = facts.Values.GetValueOrDefault($"{facts.Architecture}.{Heads}") switch
        {
            int[] list => [.. list.Select(count => (long)count)],
            uint[] list => [.. list.Select(count => (long)count)],
            _ => throw facts.Error($"the value {facts.Architecture}.{Heads} must be a list of whole numbers"),
        };
        if (heads.Where(count => count != 0).Distinct().Count() != 1)
            throw facts.Error($"the value {facts.Architecture}.{Heads} must be 0 or one other number, but is {string.Join(", ", heads)}");
        fields.Json.WriteNumber("num_key_value_heads", heads.Max());
        fields.Json.WriteStartArray("layer_types");
        foreach (long count in heads)
            fields.Json.WriteStringValue(count == 0 ? Convolution : Full);
        fields.Json.WriteEndArray();
    }

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
