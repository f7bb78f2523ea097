using System.Text.Json;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>gpt-oss: sinks in every head, a window in every second layer, experts with biases and a clamped gate, biases everywhere else too.</summary>
internal sealed class GptOss : LlamaLike
{
    public override string Name => "gpt_oss";

    public override GgufMap Gguf { get; } = LlamaGguf("gpt-oss", static fields =>
    {
        GgufLlama.HeadWidth(fields);
        GgufRotary.Describe(fields);
        GgufLlama.Experts(fields, "num_local_experts", "num_experts_per_tok");
        fields.Whole("attention.sliding_window", "sliding_window");
        fields.Ask("expert_feed_forward_length");
        fields.Presence("attention_bias", "blk.0.attn_q.bias");
        if (fields.Facts is null)
            fields.Write("expert_feed_forward_length", fields.Config.GetProperty("intermediate_size").GetUInt32());
    }) with
    {
        Names = GgufLlama.NamesWith(("model.layers.#.post_attention_layernorm", "blk.#.post_attention_norm"),
            ("model.layers.#.self_attn.sinks", "blk.#.attn_sinks.weight"),
            ("model.layers.#.mlp.router", "blk.#.ffn_gate_inp"),
            ("model.layers.#.mlp.experts.gate_proj", "blk.#.ffn_gate_exps"),
            ("model.layers.#.mlp.experts.up_proj", "blk.#.ffn_up_exps"),
            ("model.layers.#.mlp.experts.down_proj", "blk.#.ffn_down_exps.weight"),
            ("model.layers.#.mlp.experts.down_proj_bias", "blk.#.ffn_down_exps.bias")),
        Change = WithGateAndUpApart,
    };

    // A tensor of gates and one of ups, each of all experts.
    private static IEnumerable<WeightName> WithGateAndUpApart(WeightName name, ModelConfig config)
    {
        if (!name.Name.Contains("gate_up_proj", StringComparison.Ordinal))
            return [name];
        int hidden = config.AllBlocks.First().FeedForward.HiddenWidth;
        bool isBias = name.Name.EndsWith("_bias", StringComparison.Ordinal);
        string start = name.Name[..name.Name.IndexOf("gate_up_proj", StringComparison.Ordinal)], end = isBias ? ".bias" : ".weight";
        return new[] { ("gate_proj", 0), ("up_proj", hidden) }.Select(part => name with
        {
            Name = start + part.Item1 + end,
            Rows = name.Rows / 2,
            Sizes = isBias ? [name.Rows / 2 / hidden, hidden] : null,
            RowOf = row => row / hidden * 2 * hidden + part.Item2 + row % hidden,
        });
    }

    protected override string ArchitectureOf(ModelConfig config) => "GptOssForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        bool bias = settings.Boolean("attention_bias", true);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias);
        if (block.FeedForward.Activation != Activation.Silu)
            throw settings.Error($"\"hidden_act\": the clamped gate of this family is written as silu, but it is {block.FeedForward.Activation}");
        // Names that the first files have beside those that count.
        settings.Has("experts_per_token");
        settings.Has("initial_context_length");
        RotaryConfig rotary = settings.Has("rope_parameters") || settings.Has("rope_scaling") ? RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, 150000)
            : new RotaryConfig(settings.Number("rope_theta", 150000)) { Scaling = new YarnRopeScaling(32, 4096, 32, 1) { WholePairs = false } };
        int window = settings.Integer("sliding_window", 128, most: 1 << 28);
        ExpertRouting routing = new()
        {
            Experts = settings.Integer("num_local_experts", settings.Integer("num_experts", 128)),
            Chosen = settings.Integer("num_experts_per_tok", 4),
            SoftmaxOverChosen = true,
        };
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { Sinks = true, Rotary = rotary, Window = IsSliding(settings, sizes, layer, layer % 2 == 0) ? window : null },
            FeedForward = new ExpertsFeedForward(sizes.Hidden, routing, Activation.Silu)
            {
                Bias = true,
                RouterBias = true,
                Clamp = new ClampedGateConfig(settings.Single("swiglu_limit", 7)),
                BalanceWeight = ReadBalance(settings),
            },
        };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0] is not { Mixer: AttentionConfig attention, FeedForward: ExpertsFeedForward { Clamp: { } clamp } sparse })
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteNumber("num_local_experts", sparse.Routing.Experts);
        json.WriteNumber("num_experts_per_tok", sparse.Routing.Chosen);
        WriteFloat(json, "swiglu_limit", clamp.Limit);
        WriteBalance(json, sparse);
        json.WriteNumber("sliding_window", WindowOf(config) ?? 128);
        WriteLayerTypes(json, config);
        return true;
    }

    protected override IEnumerable<WeightName> MixerNames(MixerConfig mixer, string theirs, string ours, int width) =>
        base.MixerNames(mixer, theirs, ours, width).Append(WeightName.Whole($"{theirs}.self_attn.sinks", $"{ours}.sinks", ((AttentionConfig)mixer).Heads));

    // Stored as [in, out], a column of the gate and one of up by turns.
    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width)
    {
        int hidden = config.HiddenWidth, experts = ((ExpertsFeedForward)config).Routing.Experts;
        int Apart(int row) => row / (2 * hidden) * 2 * hidden + row % 2 * hidden + row % (2 * hidden) / 2;
        return
        [
            .. WeightName.Linear($"{theirs}.mlp.router", $"{ours}.router", experts, bias: true),
            WeightName.Whole($"{theirs}.mlp.experts.gate_up_proj", $"{ours}.experts.gate_up.weight", experts * 2 * hidden, transposed: true) with
            {
                Stack = experts,
                RowOf = Apart,
            },
            WeightName.Whole($"{theirs}.mlp.experts.gate_up_proj_bias", $"{ours}.experts.gate_up.bias", experts * 2 * hidden) with
            {
                Sizes = [experts, 2L * hidden],
                RowOf = Apart,
            },
            WeightName.Whole($"{theirs}.mlp.experts.down_proj", $"{ours}.experts.down.weight", experts * width, transposed: true) with { Stack = experts },
            WeightName.Whole($"{theirs}.mlp.experts.down_proj_bias", $"{ours}.experts.down.bias", experts * width) with { Sizes = [experts, width] },
        ];
    }
}
