using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>The families with a gated delta rule in three of four layers and gated attention in the others: how both stand in their files.</summary>
internal abstract class GatedDeltaFamily : LlamaLike
{
    private const string Linear = "linear_attention", Full = "full_attention";

    protected sealed override bool WritesRotary => false;

    /// <summary>A block of either kind, its feed-forward dense.</summary>
    protected BlockConfig ReadMixer(JsonSettings settings, in Sizes sizes, int layer)
    {
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        RmsNormConfig norm = new(block.Before!.Epsilon, OnePlusGain: true);
        AttentionConfig attention = (AttentionConfig)block.Mixer with
        {
            Rotary = RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, share: 0.25),
            QueryKeyNorm = norm,
            OutputGate = true,
        };
        GatedDeltaConfig delta = new()
        {
            KeyHeads = settings.Integer("linear_num_key_heads", 16),
            Heads = settings.Integer("linear_num_value_heads", 32),
            HeadWidth = settings.Integer("linear_key_head_dim", 128),
            ValueWidth = settings.Integer("linear_value_head_dim", 128),
            Kernel = settings.Integer("linear_conv_kernel_dim", 4),
            Norm = new RmsNormConfig(norm.Epsilon),
        };
        if (settings.Text("hidden_act", "silu") is string activation && activation != "silu")
            throw settings.Error($"\"hidden_act\": '{activation}' is not supported; the convolution of this family has silu");
        return block with { Mixer = IsLinear(settings, sizes, layer) ? delta : attention, Before = norm };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        MixerConfig[] mixers = [.. config.Stack.Blocks.Select(block => block.Mixer)];
        if (Attention(config) is not { Rotary: { } rotary } attention || mixers.OfType<GatedDeltaConfig>().FirstOrDefault() is not { } delta)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteNumber("linear_num_key_heads", delta.KeyHeads);
        json.WriteNumber("linear_num_value_heads", delta.Heads);
        json.WriteNumber("linear_key_head_dim", delta.HeadWidth);
        json.WriteNumber("linear_value_head_dim", delta.ValueWidth);
        json.WriteNumber("linear_conv_kernel_dim", delta.Kernel);
        json.WriteStartArray("layer_types");
        foreach (MixerConfig mixer in mixers)
            json.WriteStringValue(mixer is AttentionConfig ? Full : Linear);
        json.WriteEndArray();
        RotaryFields.Write(json, rotary, attention.HeadWidth, saysShare: true);
        return true;
    }

    protected sealed override IEnumerable<WeightName> MixerNames(MixerConfig mixer, string theirs, string ours, int width)
    {
        if (mixer is GatedDeltaConfig delta)
        {
            string linear = $"{theirs}.linear_attn";
            return
            [
                .. ProjectionNames(delta, linear, $"{ours}.input.weight"),
                WeightName.Whole($"{linear}.conv1d.weight", $"{ours}.convolution.weight", delta.Channels) with { Sizes = [delta.Channels, 1, delta.Kernel] },
                WeightName.Whole($"{linear}.dt_bias", $"{ours}.decay_bias", delta.Heads),
                WeightName.Whole($"{linear}.A_log", $"{ours}.decay_rate", delta.Heads),
                WeightName.Whole($"{linear}.norm.weight", $"{ours}.norm.weight", delta.ValueWidth),
                WeightName.Whole($"{linear}.out_proj.weight", $"{ours}.output.weight", width),
            ];
        }
        // Stored head by head: a query, then its gate.
        AttentionConfig attention = (AttentionConfig)mixer;
        int d = attention.HeadWidth, queries = attention.Heads * d, all = queries + 2 * attention.KeyValueHeads * d;
        return base.MixerNames(mixer, theirs, ours, width).Select(name => !name.Name.Contains("q_proj", StringComparison.Ordinal) ? name : name with
        {
            Rows = 2 * queries,
            RowOf = row => row / d % 2 * all + row / (2 * d) * d + row % d,
        });
    }

    /// <summary>The tensors that a delta rule's rows are projected with.</summary>
    protected abstract IEnumerable<WeightName> ProjectionNames(GatedDeltaConfig delta, string theirs, string ours);

    private static bool IsLinear(JsonSettings settings, in Sizes sizes, int layer)
    {
        int interval = settings.Integer("full_attention_interval", 4);
        string[] types = settings.Texts("layer_types");
        if (types.Length == 0)
            return (layer + 1) % interval != 0;
        if (types.Length != sizes.Layers)
            throw settings.Error($"\"layer_types\" has {types.Length} entries for {sizes.Layers} layers");
        return types[layer] switch
        {
            Linear => true,
            Full => false,
            string other => throw settings.Error($"\"layer_types\": '{other}' is not supported; supported are {Full}, {Linear}"),
        };
    }
}
