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

    /// <summary>The GGUF architecture of a family of this kind.</summary>
    /// <param name="architecture">Its name.</param>
    /// <param name="more">The values that only this family has.</param>
    /// <param name="change">What becomes of the tensors of a delta rule.</param>
    protected static GgufMap GatedDeltaGguf(string architecture, Action<GgufFields> more, Func<WeightName, GatedDeltaConfig, IEnumerable<WeightName>> change) =>
        LlamaGguf(architecture, fields =>
        {
            DescribeGguf(fields);
            more(fields);
        }) with
        {
            Names = GgufLlama.NamesWith(
                ("model.layers.#.post_attention_layernorm", "blk.#.post_attention_norm"),
                ("model.layers.#.linear_attn.in_proj_qkv", "blk.#.attn_qkv"),
                ("model.layers.#.linear_attn.in_proj_z", "blk.#.attn_gate"),
                ("model.layers.#.linear_attn.in_proj_ba", "blk.#.ssm_ba"),
                ("model.layers.#.linear_attn.in_proj_b", "blk.#.ssm_beta"),
                ("model.layers.#.linear_attn.in_proj_a", "blk.#.ssm_alpha"),
                ("model.layers.#.linear_attn.conv1d", "blk.#.ssm_conv1d"),
                ("model.layers.#.linear_attn.dt_bias", "blk.#.ssm_dt.bias"),
                ("model.layers.#.linear_attn.A_log", "blk.#.ssm_a"),
                ("model.layers.#.linear_attn.norm", "blk.#.ssm_norm"),
                ("model.layers.#.linear_attn.out_proj", "blk.#.ssm_out")),
            KeepsOrder = true,
            Change = (name, config) => !name.Name.Contains(".linear_attn.", StringComparison.Ordinal) ? GgufLlama.WithOneMore(name, config)
                : change(name with { IsNegatedExponential = name.Name.EndsWith(".A_log", StringComparison.Ordinal) },
                    config.AllBlocks.Select(block => block.Mixer).OfType<GatedDeltaConfig>().First()),
        };

    private static void DescribeGguf(GgufFields fields)
    {
        const string Layers = "attention.recurrent_layers", Interval = "full_attention_interval", Inner = "ssm.inner_size", ValueWidth = "linear_value_head_dim";
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        fields.Whole("ssm.conv_kernel", "linear_conv_kernel_dim");
        fields.Whole("ssm.state_size", "linear_key_head_dim");
        fields.Whole("ssm.group_count", "linear_num_key_heads");
        fields.Whole("ssm.time_step_rank", "linear_num_value_heads");
        fields.Always("attention_bias", false);
        fields.Ask(Layers, Interval, Inner);
        if (fields.Facts is not { } facts)
        {
            bool[] linear = [.. fields.Config.GetProperty("layer_types").EnumerateArray().Select(type => type.GetString() == Linear)];
            int interval = Array.IndexOf(linear, false) + 1;
            fields.Write(Layers, linear);
            if (linear.Select((isLinear, layer) => isLinear == ((layer + 1) % interval != 0)).All(isSo => isSo))
                fields.Write(Interval, (uint)interval);
            fields.Write(Inner, fields.Config.GetProperty("linear_num_value_heads").GetUInt32() * fields.Config.GetProperty(ValueWidth).GetUInt32());
            return;
        }
        long heads = facts.Whole("ssm.time_step_rank") ?? 0, inner = facts.Whole(Inner) ?? 0;
        if (heads <= 0 || inner <= 0 || inner % heads != 0)
            throw facts.Error($"the value {facts.Architecture}.{Inner} must be a multiple of the {heads} heads of "
                + $"{facts.Architecture}.ssm.time_step_rank, but is {inner}");
        fields.Json.WriteNumber(ValueWidth, inner / heads);
        if (facts.Values.GetValueOrDefault($"{facts.Architecture}.{Layers}") is not { } list)
        {
            fields.Computed(Interval, static facts => facts.Whole(Interval));
            return;
        }
        if (list is not bool[] kinds || kinds.Length != facts.Whole("block_count"))
            throw facts.Error($"the value {facts.Architecture}.{Layers} must be a list of true and false, one for each of the {facts.Whole("block_count")} blocks");
        fields.Json.WriteStartArray("layer_types");
        foreach (bool isLinear in kinds.Take(kinds.Length - (int)facts.FurtherBlocks))
            fields.Json.WriteStringValue(isLinear ? Linear : Full);
        fields.Json.WriteEndArray();
    }

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
