using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>GPT-NeoX: parallel branches with a LayerNorm each, rotary positions in a part of each head, biases everywhere.</summary>
internal sealed class GptNeoX : Family
{
    public override string Name => "gpt_neox";

    public override GgufMap Gguf { get; } = new("gptneox",
    [
        ("gpt_neox.embed_in", "token_embd"),
        ("gpt_neox.final_layer_norm", "output_norm"),
        ("embed_out", "output"),
        ("gpt_neox.layers.#.input_layernorm", "blk.#.attn_norm"),
        ("gpt_neox.layers.#.post_attention_layernorm", "blk.#.ffn_norm"),
        ("gpt_neox.layers.#.attention.query_key_value", "blk.#.attn_qkv"),
        ("gpt_neox.layers.#.attention.dense", "blk.#.attn_output"),
        ("gpt_neox.layers.#.mlp.dense_h_to_4h", "blk.#.ffn_up"),
        ("gpt_neox.layers.#.mlp.dense_4h_to_h", "blk.#.ffn_down"),
    ], static fields =>
    {
        fields.Whole("context_length", "max_position_embeddings");
        fields.Whole("embedding_length", "hidden_size");
        fields.Whole("block_count", "num_hidden_layers");
        fields.Whole("feed_forward_length", "intermediate_size");
        fields.Whole("attention.head_count", "num_attention_heads");
        fields.Number("attention.layer_norm_epsilon", "layer_norm_eps");
        fields.Flag("use_parallel_residual", "use_parallel_residual");
        GgufRotary.Describe(fields);
        fields.Vocabulary();
    });

    public override IReadOnlyList<string> TiedNames => ["embed_out.weight"];

    protected override string ArchitectureOf(ModelConfig config) => "GPTNeoXForCausalLM";

    protected override string Prefix => "gpt_neox.";

    protected override IReadOnlyList<string> IgnoredEndings => ["rotary_emb.inv_freq", ".attention.bias", ".attention.masked_bias"];

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        DecoderConfig decoder = (DecoderConfig)config;
        int d = decoder.Width;
        List<WeightName> names = [WeightName.Whole("gpt_neox.embed_in.weight", "embedding.weight", decoder.VocabularySize)];
        for (int i = 0; i < decoder.Layers; i++)
        {
            BlockConfig block = decoder.Stack.Blocks[i];
            AttentionConfig attention = (AttentionConfig)block.Mixer;
            string theirs = $"gpt_neox.layers.{i}", ours = $"blocks.{i}";
            names.AddRange(WeightName.Norm($"{theirs}.input_layernorm", $"{ours}.attention_norm", d, block.Before!));
            names.AddRange(WeightName.Norm($"{theirs}.post_attention_layernorm", $"{ours}.feed_forward_norm", d, block.Before!));
            // Stored head by head: query, key, value.
            names.AddRange(WeightName.Linear($"{theirs}.attention.query_key_value", $"{ours}.attention.qkv", 3 * d, attention.InputBias)
                .Select(name => name.GroupByGroup(attention)));
            names.AddRange(WeightName.Linear($"{theirs}.attention.dense", $"{ours}.attention.output", d, attention.OutputBias));
            names.AddRange(WeightName.Linear($"{theirs}.mlp.dense_h_to_4h", $"{ours}.feed_forward.up", block.FeedForward.HiddenWidth, bias: true));
            names.AddRange(WeightName.Linear($"{theirs}.mlp.dense_4h_to_h", $"{ours}.feed_forward.down", d, bias: true));
        }
        names.AddRange(WeightName.Norm("gpt_neox.final_layer_norm", "norm", d, decoder.Stack.Norm!));
        if (!decoder.Head.Tied)
            names.Add(WeightName.Whole("embed_out.weight", "head.weight", decoder.VocabularySize));
        return names;
    }

    protected override ModelConfig ReadConfig(JsonSettings settings)
    {
        int width = settings.Integer("hidden_size", 6144), heads = settings.Integer("num_attention_heads", 64),
            length = settings.Integer("max_position_embeddings", 2048, most: 1 << 28);
        if (width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        LayerNormConfig norm = new(settings.Single("layer_norm_eps", 1e-5));
        bool bias = settings.Boolean("attention_bias", true);
        BlockConfig block = new()
        {
            Mixer = new AttentionConfig
            {
                Heads = heads,
                KeyValueHeads = heads,
                HeadWidth = width / heads,
                Rotary = RotaryFields.Read(settings, width / heads, length, share: 0.25),
                InputBias = bias,
                OutputBias = bias,
            },
            FeedForward = new PlainFeedForward(settings.Integer("intermediate_size", 24576), ActivationNames.Read(settings, "hidden_act", "gelu"), Bias: true),
            Before = norm,
            Order = settings.Boolean("use_parallel_residual", true) ? BranchOrder.Parallel : BranchOrder.Sequential,
        };
        return WithIds(settings, new DecoderConfig
        {
            MaximumLength = length,
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = settings.Integer("vocab_size", 50432), Width = width },
                Blocks = [.. Enumerable.Repeat(block, settings.Integer("num_hidden_layers", 44, most: MostLayers))],
                Norm = norm,
            },
            Head = new HeadConfig(settings.Boolean("tie_word_embeddings", false)),
        }, 0, 2);
    }

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not DecoderConfig
            {
                Stack.Blocks: [
                {
                    Mixer: AttentionConfig { Rotary: { } rotary } attention,
                    Before: LayerNormConfig norm
                } block, ..]
            } decoder)
            return false;
        json.WriteNumber("hidden_size", decoder.Width);
        json.WriteNumber("num_hidden_layers", decoder.Layers);
        json.WriteNumber("num_attention_heads", attention.Heads);
        json.WriteNumber("intermediate_size", block.FeedForward.HiddenWidth);
        json.WriteNumber("max_position_embeddings", decoder.MaximumLength);
        json.WriteString("hidden_act", ActivationNames.Of(block.FeedForward.Activation));
        WriteFloat(json, "layer_norm_eps", norm.Epsilon);
        json.WriteBoolean("attention_bias", attention.InputBias);
        json.WriteBoolean("use_parallel_residual", block.Order == BranchOrder.Parallel);
        json.WriteNumber("rotary_pct", (double)(rotary.Width ?? attention.HeadWidth) / attention.HeadWidth);
        RotaryFields.Write(json, rotary, attention.HeadWidth, saysShare: true);
        return true;
    }
}
