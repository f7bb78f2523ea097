using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>nanochat: norms without gains, of the embedding, queries and keys too; a plain squared ReLU; logits bent; positions that turn backward.</summary>
internal sealed class NanoChat : LlamaLike
{
    public override string Name => "nanochat";

    protected override string ArchitectureOf(ModelConfig config) => "NanoChatForCausalLM";

    // Queries and keys are normed after they turn, which without gains is the same as before.
    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias, "relu2");
        RmsNormConfig norm = new(block.Before!.Epsilon, Gain: false);
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with { QueryKeyNorm = norm },
            FeedForward = new PlainFeedForward(sizes.Hidden, block.FeedForward.Activation, Bias: false),
            Before = norm,
        };
    }

    protected override DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config) => config with
    {
        Stack = config.Stack with { Embedding = config.Stack.Embedding with { Norm = config.Stack.Norm } },
        Head = config.Head with { Cap = settings.Single("final_logit_softcapping", 15) },
    };

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not AttentionConfig attention)
            return false;
        json.WriteBoolean("attention_bias", attention.InputBias);
        WriteFloat(json, "final_logit_softcapping", config.Head.Cap);
        return true;
    }

    protected override IEnumerable<WeightName> MixerNames(MixerConfig mixer, string theirs, string ours, int width)
    {
        int headWidth = ((AttentionConfig)mixer).HeadWidth;
        foreach (WeightName weight in base.MixerNames(mixer, theirs, ours, width))
            yield return weight.Name.Contains("q_proj", StringComparison.Ordinal) || weight.Name.Contains("k_proj", StringComparison.Ordinal)
                ? weight.WithHalvesSwapped(headWidth) : weight;
    }

    protected override IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        Plain(theirs, ours, width, config, "fc1", "fc2");
}
