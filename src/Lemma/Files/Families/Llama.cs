using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Files;

/// <summary>Llama: RMSNorm, rotary positions in halves, SwiGLU, grouped keys and values, no biases but optional ones around
/// attention.</summary>
/// <remarks>The family's config has no field for dropout of activations: it is 0 when read, and not written.</remarks>
public sealed class Llama : Family
{
    /// <inheritdoc/>
    public override string Name => "llama";

    /// <inheritdoc/>
    protected override string Architecture => "LlamaForCausalLM";

    /// <inheritdoc/>
    protected override string Prefix => "model.";

    /// <inheritdoc/>
    protected override IReadOnlyList<string> IgnoredEndings { get; } = ["rotary_emb.inv_freq"];

    /// <inheritdoc/>
    public override IEnumerable<WeightName> Weights(DecoderConfig config)
    {
        AttentionConfig attention = config.Attention;
        int d = config.Width, hidden = config.FeedForward.HiddenWidth;
        int queries = attention.Heads * attention.HeadWidth, keys = attention.KeyValueHeads * attention.HeadWidth;
        yield return Whole("model.embed_tokens.weight", "embedding.weight", config.VocabularySize);
        for (int i = 0; i < config.Layers; i++)
        {
            string theirs = $"model.layers.{i}", ours = $"blocks.{i}";
            yield return Whole($"{theirs}.input_layernorm.weight", $"{ours}.attention_norm.weight", d);
            foreach (string kind in attention.InputBias ? (string[])["weight", "bias"] : ["weight"])
            {
                yield return new($"{theirs}.self_attn.q_proj.{kind}", $"{ours}.attention.qkv.{kind}", 0, queries);
                yield return new($"{theirs}.self_attn.k_proj.{kind}", $"{ours}.attention.qkv.{kind}", queries, keys);
                yield return new($"{theirs}.self_attn.v_proj.{kind}", $"{ours}.attention.qkv.{kind}", queries + keys, keys);
            }
            yield return Whole($"{theirs}.self_attn.o_proj.weight", $"{ours}.attention.output.weight", d);
            if (attention.OutputBias)
                yield return Whole($"{theirs}.self_attn.o_proj.bias", $"{ours}.attention.output.bias", d);
            yield return Whole($"{theirs}.post_attention_layernorm.weight", $"{ours}.feed_forward_norm.weight", d);
            yield return new($"{theirs}.mlp.gate_proj.weight", $"{ours}.feed_forward.gate_up.weight", 0, hidden);
            yield return new($"{theirs}.mlp.up_proj.weight", $"{ours}.feed_forward.gate_up.weight", hidden, hidden);
            yield return Whole($"{theirs}.mlp.down_proj.weight", $"{ours}.feed_forward.down.weight", d);
        }
        yield return Whole("model.norm.weight", "norm.weight", d);
        if (!config.TiedHead)
            yield return Whole("lm_head.weight", "head.weight", config.VocabularySize);
    }

    internal override DecoderConfig ReadConfig(JsonSettings settings)
    {
        string name = settings.Text("hidden_act", "silu")!;
        if (name is not ("silu" or "swish"))
            throw settings.Error($"\"hidden_act\": '{name}' is not supported");
        settings.RequireBoolean("mlp_bias", expected: false, fallback: false);
        int width = settings.Integer("hidden_size", 4096), heads = settings.Integer("num_attention_heads", 32);
        int vocabulary = settings.Integer("vocab_size", 32000);
        if (!settings.Has("head_dim") && width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        bool bias = settings.Boolean("attention_bias", false);
        int keyHeads = settings.Integer("num_key_value_heads", heads), headWidth = settings.Integer("head_dim", width / heads);
        if ((long)headWidth * (heads + 2L * keyHeads) > 1 << 26)
            throw settings.Error($"attention: {heads} heads of width {headWidth} are more than a model can have");
        return new DecoderConfig
        {
            Family = Name,
            VocabularySize = vocabulary,
            Width = width,
            Layers = settings.Integer("num_hidden_layers", 32),
            MaximumLength = settings.Integer("max_position_embeddings", 2048, most: 1 << 20),
            Norm = new RmsNormConfig((float)settings.Number("rms_norm_eps", 1e-6)),
            Positions = new RotaryPositions(ReadTheta(settings)),
            Attention = new AttentionConfig
            {
                Heads = heads,
                KeyValueHeads = keyHeads,
                HeadWidth = headWidth,
                InputBias = bias,
                OutputBias = bias,
            },
            FeedForward = new SwiGluFeedForward(settings.Integer("intermediate_size", 11008)),
            TiedHead = settings.Boolean("tie_word_embeddings", false),
            BeginId = SpecialId(settings, "bos_token_id", 1, vocabulary),
            EndId = SpecialId(settings, "eos_token_id", 2, vocabulary),
            FurtherEndIds = FurtherIds(settings, vocabulary),
        };
    }

    // Newer configs keep θ and the kind of scaling in rope_parameters, older ones in rope_theta and rope_scaling.
    private static float ReadTheta(JsonSettings settings)
    {
        double theta = settings.Number("rope_theta", 10000);
        foreach (string name in (string[])["rope_scaling", "rope_parameters"])
        {
            if (settings.Section(name) is not { } section)
                continue;
            string kind = section.Text("rope_type") ?? section.Text("type") ?? "default";
            if (kind != "default")
                throw settings.Error($"\"{name}\": the rope type '{kind}' is not supported");
            if (section.Number("partial_rotary_factor", 1) != 1)
                throw settings.Error($"\"{name}\": a partial_rotary_factor other than 1 is not supported");
            theta = section.Number("rope_theta", theta);
        }
        return theta > 0 ? (float)theta : throw settings.Error("\"rope_theta\" must be positive");
    }

    /// <inheritdoc/>
    protected override void WriteConfig(Utf8JsonWriter json, DecoderConfig config)
    {
        AttentionConfig attention = config.Attention;
        Require.That(config is { Norm: RmsNormConfig, Positions: RotaryPositions { Interleaved: false }, FeedForward: SwiGluFeedForward }
            && attention.Window == null && attention.InputBias == attention.OutputBias,
            $"llama: the family has RMS norms, rotary positions in halves, SwiGLU and biases on all of attention or none, "
            + $"but the config is {config}");
        float theta = ((RotaryPositions)config.Positions).Theta;
        json.WriteNumber("hidden_size", config.Width);
        json.WriteNumber("intermediate_size", config.FeedForward.HiddenWidth);
        json.WriteNumber("num_hidden_layers", config.Layers);
        json.WriteNumber("num_attention_heads", attention.Heads);
        json.WriteNumber("num_key_value_heads", attention.KeyValueHeads);
        json.WriteNumber("head_dim", attention.HeadWidth);
        json.WriteNumber("max_position_embeddings", config.MaximumLength);
        json.WriteString("hidden_act", "silu");
        WriteFloat(json, "rms_norm_eps", config.Norm.Epsilon);
        WriteFloat(json, "rope_theta", theta);
        json.WriteStartObject("rope_parameters");
        WriteFloat(json, "rope_theta", theta);
        json.WriteString("rope_type", "default");
        json.WriteEndObject();
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteBoolean("mlp_bias", false);
    }
}
