using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Phi-1 to 2: parallel branches through one LayerNorm, positions in a part of each head, biases everywhere, the head's too.</summary>
internal sealed class Phi : LlamaLike
{
    public override string Name => "phi";

    public override GgufMap Gguf { get; } = LlamaGguf("phi2", static fields => GgufRotary.Describe(fields), "layer_norm_eps") with
    {
        Names = GgufLlama.NamesWith(("model.final_layernorm", "output_norm"), ("model.layers.#.self_attn.dense", "blk.#.attn_output"),
            ("model.layers.#.mlp.fc1", "blk.#.ffn_up"), ("model.layers.#.mlp.fc2", "blk.#.ffn_down")),
    };

    protected override string ArchitectureOf(ModelConfig config) => "PhiForCausalLM";

    protected override string EpsilonField => "layer_norm_eps";

    protected override bool WritesRotary => false;

    protected override string LastNorm => "model.final_layernorm";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes, true, true, "gelu_new");
        LayerNormConfig norm = new(block.Before!.Epsilon);
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with
            {
                Rotary = RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, share: 0.5),
                QueryKeyNorm = settings.Boolean("qk_layernorm", false) ? norm : null,
            },
            FeedForward = new PlainFeedForward(sizes.Hidden, block.FeedForward.Activation, Bias: true),
            Before = norm,
            Order = BranchOrder.ParallelOneNorm,
        };
    }

    protected override DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config) =>
        config with { Head = config.Head with { Bias = true } };

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig { Rotary: { } rotary } attention)
            return false;
        json.WriteBoolean("qk_layernorm", attention.QueryKeyNorm is not null);
        RotaryFields.Write(json, rotary, attention.HeadWidth, saysShare: true);
        return true;
    }

    protected override IEnumerable<WeightName> MixerNames(MixerConfig mixer, string theirs, string ours, int width)
    {
        AttentionConfig attention = (AttentionConfig)mixer;
        foreach (WeightName weight in base.MixerNames(attention with { QueryKeyNorm = null }, theirs, ours, width))
            yield return weight with { Name = weight.Name.Replace("o_proj", "dense", StringComparison.Ordinal) };
        if (attention.QueryKeyNorm is not { } norm)
            yield break;
        foreach ((string name, string parameter) in ((string, string)[])[("q_layernorm", "query_norm"), ("k_layernorm", "key_norm")])
        {
            foreach (WeightName weight in WeightName.Norm($"{theirs}.self_attn.{name}", $"{ours}.{parameter}", attention.HeadWidth, norm))
                yield return weight;
        }
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        Plain(theirs, ours, width, config, "fc1", "fc2");
}
