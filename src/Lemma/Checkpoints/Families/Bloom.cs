using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>BLOOM: positions by ALiBi alone, a norm of the embeddings, biases everywhere; queries, keys and values stored head by head.</summary>
internal sealed class Bloom : Family
{
    private const int Unlimited = 1 << 20;

    public override string Name => "bloom";

    public override GgufMap Gguf { get; } = new("bloom",
    [
        ("transformer.word_embeddings", "token_embd"),
        ("transformer.word_embeddings_layernorm", "token_embd_norm"),
        ("transformer.ln_f", "output_norm"),
        ("lm_head", "output"),
        ("transformer.h.#.input_layernorm", "blk.#.attn_norm"),
        ("transformer.h.#.self_attention.query_key_value", "blk.#.attn_qkv"),
        ("transformer.h.#.self_attention.dense", "blk.#.attn_output"),
        ("transformer.h.#.post_attention_layernorm", "blk.#.ffn_norm"),
        ("transformer.h.#.mlp.dense_h_to_4h", "blk.#.ffn_up"),
        ("transformer.h.#.mlp.dense_4h_to_h", "blk.#.ffn_down"),
    ], static fields =>
    {
        fields.Whole("context_length", "seq_length");
        fields.Whole("embedding_length", "hidden_size");
        fields.Whole("block_count", "n_layer");
        fields.Whole("attention.head_count", "n_head");
        fields.Number("attention.layer_norm_epsilon", "layer_norm_epsilon");
        fields.Vocabulary();
        // Both follow from the others.
        fields.Ask("feed_forward_length", "attention.head_count_kv");
        if (fields.Facts is null)
        {
            fields.Write("feed_forward_length", 4 * fields.Config.GetProperty("hidden_size").GetUInt32());
            fields.Write("attention.head_count_kv", fields.Config.GetProperty("n_head").GetUInt32());
        }
    });

    protected override string Prefix => "transformer.";

    protected override bool SaysDropout => true;

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        DecoderConfig decoder = (DecoderConfig)config;
        int d = decoder.Width;
        List<WeightName> names =
        [
            WeightName.Whole("transformer.word_embeddings.weight", "embedding.weight", decoder.VocabularySize),
            .. WeightName.Linear("transformer.word_embeddings_layernorm", "embedding_norm", d, bias: true),
        ];
        for (int i = 0; i < decoder.Layers; i++)
        {
            AttentionConfig attention = (AttentionConfig)decoder.Stack.Blocks[i].Mixer;
            string theirs = $"transformer.h.{i}", ours = $"blocks.{i}";
            names.AddRange(WeightName.Linear($"{theirs}.input_layernorm", $"{ours}.attention_norm", d, bias: true));
            names.AddRange(WeightName.Linear($"{theirs}.self_attention.query_key_value", $"{ours}.attention.qkv", 3 * d, bias: true)
                .Select(name => name.GroupByGroup(attention)));
            names.AddRange(WeightName.Linear($"{theirs}.self_attention.dense", $"{ours}.attention.output", d, bias: true));
            names.AddRange(WeightName.Linear($"{theirs}.post_attention_layernorm", $"{ours}.feed_forward_norm", d, bias: true));
            names.AddRange(WeightName.Linear($"{theirs}.mlp.dense_h_to_4h", $"{ours}.feed_forward.up", 4 * d, bias: true));
            names.AddRange(WeightName.Linear($"{theirs}.mlp.dense_4h_to_h", $"{ours}.feed_forward.down", d, bias: true));
        }
        names.AddRange(WeightName.Linear("transformer.ln_f", "norm", d, bias: true));
        if (!decoder.Head.Tied)
            names.Add(WeightName.Whole("lm_head.weight", "head.weight", decoder.VocabularySize));
        return names;
    }

    protected override string ArchitectureOf(ModelConfig config) => "BloomForCausalLM";

    protected override ModelConfig ReadConfig(JsonSettings settings)
    {
        settings.RequireBoolean("apply_residual_connection_post_layernorm", expected: false, fallback: false);
        settings.Boolean("slow_but_exact", false);
        // Older files name these sizes otherwise.
        int width = settings.Integer("hidden_size", settings.Integer("n_embed", 1024)), heads = settings.Integer("n_head", 16);
        if (width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        LayerNormConfig norm = new(settings.Single("layer_norm_epsilon", 1e-5));
        BlockConfig block = new()
        {
            Mixer = new AttentionConfig { Heads = heads, KeyValueHeads = heads, HeadWidth = width / heads, InputBias = true, OutputBias = true },
            FeedForward = new PlainFeedForward(4 * width, Activation.GeluTanh, Bias: true),
            Before = norm,
        };
        return WithIds(settings, new DecoderConfig
        {
            MaximumLength = settings.Integer("seq_length", Unlimited, most: Unlimited),
            Dropout = settings.Single("hidden_dropout", 0),
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = settings.Integer("vocab_size", 250880), Width = width, Norm = norm },
                Blocks = [.. Enumerable.Repeat(block, settings.Integer("n_layer", settings.Integer("num_hidden_layers", 24, most: MostLayers), most: MostLayers))],
                Norm = norm,
                Bias = new SlopeBias(heads),
            },
            Head = new HeadConfig(settings.Boolean("tie_word_embeddings", true)),
        }, 1, 2);
    }

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not DecoderConfig { Stack: { Bias: SlopeBias bias, Norm: LayerNormConfig norm } } decoder)
            return false;
        json.WriteNumber("hidden_size", decoder.Width);
        json.WriteNumber("n_layer", decoder.Layers);
        json.WriteNumber("n_head", bias.Heads);
        json.WriteNumber("seq_length", decoder.MaximumLength);
        WriteFloat(json, "layer_norm_epsilon", norm.Epsilon);
        WriteFloat(json, "hidden_dropout", decoder.Dropout);
        return true;
    }
}
