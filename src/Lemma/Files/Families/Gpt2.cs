using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Tensors;

namespace Lemma.Files;

/// <summary>GPT-2: LayerNorm, learned positions, biases everywhere, GELU, a tied head; linear weights are stored [in, out].</summary>
/// <remarks>Dropout is read from <c>resid_pdrop</c> and written to <c>resid_pdrop</c> and <c>embd_pdrop</c>; attention weights are not
/// dropped.</remarks>
public sealed class Gpt2 : Family
{
    /// <inheritdoc/>
    public override string Name => "gpt2";

    /// <inheritdoc/>
    protected override string Architecture => "GPT2LMHeadModel";

    /// <inheritdoc/>
    protected override string Prefix => "transformer.";

    /// <inheritdoc/>
    protected override IReadOnlyList<string> IgnoredEndings { get; } = [".attn.bias", ".attn.masked_bias"];

    /// <inheritdoc/>
    public override IEnumerable<WeightName> Weights(DecoderConfig config)
    {
        int d = config.Width, hidden = config.FeedForward.HiddenWidth;
        yield return Whole("transformer.wte.weight", "embedding.weight", config.VocabularySize);
        yield return Whole("transformer.wpe.weight", "positions.weight", config.MaximumLength);
        for (int i = 0; i < config.Layers; i++)
        {
            string theirs = $"transformer.h.{i}", ours = $"blocks.{i}";
            yield return Whole($"{theirs}.ln_1.weight", $"{ours}.attention_norm.weight", d);
            yield return Whole($"{theirs}.ln_1.bias", $"{ours}.attention_norm.bias", d);
            yield return Whole($"{theirs}.attn.c_attn.weight", $"{ours}.attention.qkv.weight", 3 * d, transposed: true);
            yield return Whole($"{theirs}.attn.c_attn.bias", $"{ours}.attention.qkv.bias", 3 * d);
            yield return Whole($"{theirs}.attn.c_proj.weight", $"{ours}.attention.output.weight", d, transposed: true);
            yield return Whole($"{theirs}.attn.c_proj.bias", $"{ours}.attention.output.bias", d);
            yield return Whole($"{theirs}.ln_2.weight", $"{ours}.feed_forward_norm.weight", d);
            yield return Whole($"{theirs}.ln_2.bias", $"{ours}.feed_forward_norm.bias", d);
            yield return Whole($"{theirs}.mlp.c_fc.weight", $"{ours}.feed_forward.up.weight", hidden, transposed: true);
            yield return Whole($"{theirs}.mlp.c_fc.bias", $"{ours}.feed_forward.up.bias", hidden);
            yield return Whole($"{theirs}.mlp.c_proj.weight", $"{ours}.feed_forward.down.weight", d, transposed: true);
            yield return Whole($"{theirs}.mlp.c_proj.bias", $"{ours}.feed_forward.down.bias", d);
        }
        yield return Whole("transformer.ln_f.weight", "norm.weight", d);
        yield return Whole("transformer.ln_f.bias", "norm.bias", d);
        if (!config.TiedHead)
            yield return Whole("lm_head.weight", "head.weight", config.VocabularySize);
    }

    internal override DecoderConfig ReadConfig(JsonSettings settings)
    {
        settings.RequireBoolean("scale_attn_weights", expected: true, fallback: true);
        settings.RequireBoolean("scale_attn_by_inverse_layer_idx", expected: false, fallback: false);
        settings.RequireBoolean("add_cross_attention", expected: false, fallback: false);
        string name = settings.Text("activation_function", "gelu_new")!;
        Activation activation = name switch
        {
            "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => Activation.GeluTanh,
            "gelu" => Activation.Gelu,
            "silu" or "swish" => Activation.Silu,
            _ => throw settings.Error($"\"activation_function\": '{name}' is not supported"),
        };
        int width = settings.Integer("n_embd", 768), heads = settings.Integer("n_head", 12);
        int vocabulary = settings.Integer("vocab_size", 50257);
        if (width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        return new DecoderConfig
        {
            Family = Name,
            VocabularySize = vocabulary,
            Width = width,
            Layers = settings.Integer("n_layer", 12),
            MaximumLength = settings.Integer("n_positions", 1024),
            Norm = new LayerNormConfig((float)settings.Number("layer_norm_epsilon", 1e-5)),
            Positions = new LearnedPositions(),
            Attention = new AttentionConfig
            {
                Heads = heads,
                KeyValueHeads = heads,
                HeadWidth = width / heads,
                InputBias = true,
                OutputBias = true,
            },
            FeedForward = new PlainFeedForward(settings.Integer("n_inner", 4 * width), activation, Bias: true),
            TiedHead = settings.Boolean("tie_word_embeddings", true),
            Dropout = (float)settings.Number("resid_pdrop", 0.1),
            BeginId = SpecialId(settings, "bos_token_id", 50256, vocabulary),
            EndId = SpecialId(settings, "eos_token_id", 50256, vocabulary),
            FurtherEndIds = FurtherIds(settings, vocabulary),
        };
    }

    /// <inheritdoc/>
    protected override void WriteConfig(Utf8JsonWriter json, DecoderConfig config)
    {
        AttentionConfig attention = config.Attention;
        Require.That(config is { Norm: LayerNormConfig, Positions: LearnedPositions, FeedForward: PlainFeedForward { Bias: true } }
            && attention is { InputBias: true, OutputBias: true, Window: null },
            $"gpt2: the family has layer norms, learned positions, a plain feed-forward and biases everywhere, but the config is {config}");
        Require.That(attention.KeyValueHeads == attention.Heads && attention.Heads * attention.HeadWidth == config.Width,
            $"gpt2: the heads must fill the width {config.Width}, but there are {attention.Heads} "
            + $"(key/value {attention.KeyValueHeads}) of {attention.HeadWidth}");
        json.WriteNumber("n_embd", config.Width);
        json.WriteNumber("n_layer", config.Layers);
        json.WriteNumber("n_head", attention.Heads);
        json.WriteNumber("n_inner", config.FeedForward.HiddenWidth);
        json.WriteNumber("n_positions", config.MaximumLength);
        json.WriteString("activation_function", ((PlainFeedForward)config.FeedForward).Activation switch
        {
            Activation.GeluTanh => "gelu_new",
            Activation.Gelu => "gelu",
            _ => "silu",
        });
        WriteFloat(json, "layer_norm_epsilon", config.Norm.Epsilon);
        WriteFloat(json, "resid_pdrop", config.Dropout);
        WriteFloat(json, "embd_pdrop", config.Dropout);
        WriteFloat(json, "attn_pdrop", 0f);
    }
}
