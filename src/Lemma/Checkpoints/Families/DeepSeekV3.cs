using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>DeepSeek-V3: latent attention, experts in groups chosen by sigmoid scores with a bias for the choice, shared experts.</summary>
internal sealed class DeepSeekV3 : LatentAttentionFamily
{
    private static readonly ExpertsFeedForward Fallback = new(2048, new ExpertRouting
    {
        Experts = 256,
        Chosen = 8,
        Score = RouterScore.Sigmoid,
        NormalizesChosen = true,
        Scale = 2.5f,
        Groups = 8,
        ChosenGroups = 4,
    })
    {
        ChoiceBias = true,
    };

    public override string Name => "deepseek_v3";

    public override GgufMap Gguf { get; } = LatentGguf(Sigmoid, static fields => fields.Always("rope_interleave", true));

    protected override string ArchitectureOf(ModelConfig config) => "DeepseekV3ForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        BlockConfig block = LlamaBlock(settings, sizes);
        LatentAttentionConfig latent = ReadLatent(settings, sizes);
        latent = latent with { Rotary = latent.Rotary with { Interleaved = settings.Boolean("rope_interleave", true) } };
        RequireOnly(settings, "scoring_func", "sigmoid");
        RequireOnly(settings, "topk_method", "noaux_tc");
        settings.Integer("moe_layer_freq", 1, most: 1);
        settings.Has("ep_size");
        settings.Has("seq_aux");
        settings.Has("aux_loss_alpha");
        return block with { Mixer = latent, FeedForward = ReadExperts(settings, layer, block.FeedForward, Fallback, shared: 1, firstSparse: 3) };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Stack.Blocks[0].Mixer is not LatentAttentionConfig latent)
            return false;
        WriteLatent(json, latent);
        json.WriteBoolean("rope_interleave", latent.Rotary.Interleaved);
        return WriteExperts(json, config);
    }
}
