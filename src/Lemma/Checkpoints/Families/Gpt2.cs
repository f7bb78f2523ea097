using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>GPT-2: LayerNorm, learned positions, biases everywhere, GELU, a tied head; linear weights are stored [in, out].</summary>
/// <remarks>Dropout is read from <c>resid_pdrop</c> and written to <c>resid_pdrop</c> and <c>embd_pdrop</c>; attention weights are not
/// dropped.</remarks>
internal sealed class Gpt2 : Family
{
    public override string Name => "gpt2";

    public override GgufMap Gguf { get; } = new("gpt2",
    [
        ("transformer.wte", "token_embd"),
        ("transformer.wpe", "position_embd"),
        ("transformer.ln_f", "output_norm"),
        ("lm_head", "output"),
        ("transformer.h.#.ln_1", "blk.#.attn_norm"),
        ("transformer.h.#.attn.c_attn", "blk.#.attn_qkv"),
        ("transformer.h.#.attn.c_proj", "blk.#.attn_output"),
        ("transformer.h.#.ln_2", "blk.#.ffn_norm"),
        ("transformer.h.#.mlp.c_fc", "blk.#.ffn_up"),
        ("transformer.h.#.mlp.c_proj", "blk.#.ffn_down"),
    ], static fields =>
    {
        fields.Whole("context_length", "n_positions");
        fields.Whole("embedding_length", "n_embd");
        fields.Whole("block_count", "n_layer");
        fields.Whole("feed_forward_length", "n_inner");
        fields.Whole("attention.head_count", "n_head");
        fields.Number("attention.layer_norm_epsilon", "layer_norm_epsilon");
        fields.Vocabulary();
    });

    protected override string Prefix => "transformer.";

    protected override IReadOnlyList<string> IgnoredEndings => [".attn.bias", ".attn.masked_bias"];

    protected override bool SaysDropout => true;

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        DecoderConfig decoder = (DecoderConfig)config;
        int d = decoder.Width;
        yield return WeightName.Whole("transformer.wte.weight", "embedding.weight", decoder.VocabularySize);
        yield return WeightName.Whole("transformer.wpe.weight", "positions.weight", decoder.MaximumLength);
        for (int i = 0; i < decoder.Layers; i++)
        {
            string theirs = $"transformer.h.{i}", ours = $"blocks.{i}";
            int hidden = decoder.Stack.Blocks[i].FeedForward.HiddenWidth;
            foreach (WeightName name in (WeightName[])[
                .. WeightName.Linear($"{theirs}.ln_1", $"{ours}.attention_norm", d, bias: true),
                .. WeightName.Linear($"{theirs}.attn.c_attn", $"{ours}.attention.qkv", 3 * d, bias: true, transposed: true),
                .. WeightName.Linear($"{theirs}.attn.c_proj", $"{ours}.attention.output", d, bias: true, transposed: true),
                .. WeightName.Linear($"{theirs}.ln_2", $"{ours}.feed_forward_norm", d, bias: true),
                .. WeightName.Linear($"{theirs}.mlp.c_fc", $"{ours}.feed_forward.up", hidden, bias: true, transposed: true),
                .. WeightName.Linear($"{theirs}.mlp.c_proj", $"{ours}.feed_forward.down", d, bias: true, transposed: true)])
            {
                yield return name;
            }
        }
        foreach (WeightName name in WeightName.Linear("transformer.ln_f", "norm", d, bias: true))
            yield return name;
        if (!decoder.Head.Tied)
            yield return WeightName.Whole("lm_head.weight", "head.weight", decoder.VocabularySize);
    }

    protected override string ArchitectureOf(ModelConfig config) => "GPT2LMHeadModel";

    protected override ModelConfig ReadConfig(JsonSettings settings)
    {
        settings.RequireBoolean("scale_attn_weights", expected: true, fallback: true);
        settings.RequireBoolean("scale_attn_by_inverse_layer_idx", expected: false, fallback: false);
        settings.RequireBoolean("add_cross_attention", expected: false, fallback: false);
        settings.Boolean("reorder_and_upcast_attn", false);
        int width = settings.Integer("n_embd", 768), heads = settings.Integer("n_head", 12), length = settings.Integer("n_positions", 1024);
        if (width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        LayerNormConfig norm = new(settings.Single("layer_norm_epsilon", 1e-5));
        BlockConfig block = new()
        {
            Mixer = new AttentionConfig { Heads = heads, KeyValueHeads = heads, HeadWidth = width / heads, InputBias = true, OutputBias = true },
            FeedForward = new PlainFeedForward(settings.Integer("n_inner", 4 * width), ActivationNames.Read(settings, "activation_function",
                "gelu_new"), Bias: true),
            Before = norm,
        };
        return WithIds(settings, new DecoderConfig
        {
            MaximumLength = length,
            Dropout = settings.Single("resid_pdrop", 0.1),
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = settings.Integer("vocab_size", 50257), Width = width, LearnedPositions = length },
                Blocks = [.. Enumerable.Repeat(block, settings.Integer("n_layer", 12, most: MostLayers))],
                Norm = norm,
            },
            Head = new HeadConfig(settings.Boolean("tie_word_embeddings", true)),
        }, 50256, 50256);
    }

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not DecoderConfig { Stack.Blocks: [{ Mixer: AttentionConfig attention, Before: LayerNormConfig norm } block, ..] } decoder)
            return false;
        json.WriteNumber("n_embd", decoder.Width);
        json.WriteNumber("n_layer", decoder.Layers);
        json.WriteNumber("n_head", attention.Heads);
        json.WriteNumber("n_inner", block.FeedForward.HiddenWidth);
        json.WriteNumber("n_positions", decoder.MaximumLength);
        json.WriteString("activation_function", block.FeedForward.Activation == Tensors.Activation.GeluTanh ? "gelu_new"
            : ActivationNames.Of(block.FeedForward.Activation));
        WriteFloat(json, "layer_norm_epsilon", norm.Epsilon);
        WriteFloat(json, "resid_pdrop", decoder.Dropout);
        WriteFloat(json, "embd_pdrop", decoder.Dropout);
        WriteFloat(json, "attn_pdrop", 0f);
        return true;
    }
}
