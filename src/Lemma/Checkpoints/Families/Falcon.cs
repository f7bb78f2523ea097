using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Falcon: parallel branches through one norm or two, one key and value head or few, whose rows lie beside those of their queries.</summary>
internal sealed class Falcon : Family
{
    public override string Name => "falcon";

    public override GgufMap Gguf { get; } = new("falcon",
    [
        ("transformer.word_embeddings", "token_embd"),
        ("transformer.ln_f", "output_norm"),
        ("lm_head", "output"),
        ("transformer.h.#.input_layernorm", "blk.#.attn_norm"),
        ("transformer.h.#.post_attention_layernorm", "blk.#.ffn_norm"),
        ("transformer.h.#.ln_mlp", "blk.#.attn_norm"),
        ("transformer.h.#.ln_attn", "blk.#.attn_norm_2"),
        ("transformer.h.#.self_attention.query_key_value", "blk.#.attn_qkv"),
        ("transformer.h.#.self_attention.dense", "blk.#.attn_output"),
        ("transformer.h.#.mlp.dense_h_to_4h", "blk.#.ffn_up"),
        ("transformer.h.#.mlp.dense_4h_to_h", "blk.#.ffn_down"),
    ], static fields =>
    {
        fields.Whole("context_length", "max_position_embeddings");
        fields.Whole("embedding_length", "hidden_size");
        fields.Whole("block_count", "num_hidden_layers");
        fields.Whole("feed_forward_length", "ffn_hidden_size");
        fields.Whole("attention.head_count", "num_attention_heads");
        fields.Whole("attention.head_count_kv", "num_kv_heads");
        fields.Number("attention.layer_norm_epsilon", "layer_norm_epsilon");
        GgufRotary.Describe(fields);
        fields.Vocabulary();
        if (fields.Facts is not { } facts)
            return;
        bool hasTwo = facts.Has("blk.0.attn_norm_2.weight"), isGrouped = facts.Whole("attention.head_count_kv") is not 1;
        fields.Always("multi_query", !isGrouped);
        fields.Always("new_decoder_architecture", hasTwo || isGrouped);
        if (hasTwo || isGrouped)
            fields.Json.WriteNumber("num_ln_in_parallel_attn", hasTwo ? 2 : 1);
    });

    protected override string Prefix => "transformer.";

    protected override bool SaysDropout => true;

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        DecoderConfig decoder = (DecoderConfig)config;
        int d = decoder.Width;
        List<WeightName> names = [WeightName.Whole("transformer.word_embeddings.weight", "embedding.weight", decoder.VocabularySize)];
        for (int i = 0; i < decoder.Layers; i++)
        {
            BlockConfig block = decoder.Stack.Blocks[i];
            AttentionConfig attention = (AttentionConfig)block.Mixer;
            string theirs = $"transformer.h.{i}", ours = $"blocks.{i}";
            (string first, string second) = block.Order == BranchOrder.Parallel ? ("ln_attn", "ln_mlp") : ("input_layernorm", "post_attention_layernorm");
            names.AddRange(WeightName.Norm($"{theirs}.{first}", $"{ours}.attention_norm", d, block.Before!));
            if (block.Order != BranchOrder.ParallelOneNorm)
                names.AddRange(WeightName.Norm($"{theirs}.{second}", $"{ours}.feed_forward_norm", d, block.Before!));
            names.AddRange(WeightName.Linear($"{theirs}.self_attention.query_key_value", $"{ours}.attention.qkv",
                (attention.Heads + 2 * attention.KeyValueHeads) * attention.HeadWidth, attention.InputBias).Select(name => name.GroupByGroup(attention)));
            names.AddRange(WeightName.Linear($"{theirs}.self_attention.dense", $"{ours}.attention.output", d, attention.OutputBias));
            names.AddRange(WeightName.Linear($"{theirs}.mlp.dense_h_to_4h", $"{ours}.feed_forward.up", block.FeedForward.HiddenWidth, block.FeedForward.Bias));
            names.AddRange(WeightName.Linear($"{theirs}.mlp.dense_4h_to_h", $"{ours}.feed_forward.down", d, block.FeedForward.Bias));
        }
        names.AddRange(WeightName.Norm("transformer.ln_f", "norm", d, decoder.Stack.Norm!));
        if (!decoder.Head.Tied)
            names.Add(WeightName.Whole("lm_head.weight", "head.weight", decoder.VocabularySize));
        return names;
    }

    protected override string ArchitectureOf(ModelConfig config) => "FalconForCausalLM";

    protected override ModelConfig ReadConfig(JsonSettings settings)
    {
        // Here slopes are scaled with the scores, which those of BLOOM are not.
        settings.RequireBoolean("alibi", expected: false, fallback: false);
        settings.RequireBoolean("apply_residual_connection_post_layernorm", expected: false, fallback: false);
        // Older files name these otherwise.
        int width = settings.Integer("hidden_size", settings.Integer("n_embed", 4544));
        int heads = settings.Integer("num_attention_heads", settings.Integer("n_head", 71));
        int layers = settings.Integer("num_hidden_layers", settings.Integer("n_layer", 32, most: MostLayers), most: MostLayers);
        int some = settings.Integer("num_kv_heads", settings.Integer("n_head_kv", heads));
        int length = settings.Integer("max_position_embeddings", 2048, most: 1 << 28), hidden = settings.Integer("ffn_hidden_size", 4 * width, most: 1 << 26);
        if (width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        bool isNew = settings.Boolean("new_decoder_architecture", false), isMultiQuery = settings.Boolean("multi_query", true),
            isParallel = settings.Boolean("parallel_attn", true), bias = settings.Boolean("bias", false);
        int norms = settings.Integer("num_ln_in_parallel_attn", isNew ? 2 : 1, most: 2);
        if (isNew && !isParallel || !isNew && norms == 2)
            throw settings.Error($"\"num_ln_in_parallel_attn\": {norms} norms do not go with new_decoder_architecture {isNew} and parallel_attn {isParallel}");
        LayerNormConfig norm = new(settings.Single("layer_norm_epsilon", 1e-5));
        BlockConfig block = new()
        {
            Mixer = new AttentionConfig
            {
                Heads = heads,
                KeyValueHeads = isNew ? some : isMultiQuery ? 1 : heads,
                HeadWidth = width / heads,
                Rotary = RotaryFields.Read(settings, width / heads, length),
                InputBias = bias,
                OutputBias = bias,
            },
            FeedForward = new PlainFeedForward(hidden, ActivationNames.Read(settings, "activation", "gelu"), bias),
            Before = norm,
            Order = !isParallel ? BranchOrder.Sequential : norms == 2 ? BranchOrder.Parallel : BranchOrder.ParallelOneNorm,
        };
        return WithIds(settings, new DecoderConfig
        {
            MaximumLength = length,
            Dropout = settings.Single("hidden_dropout", 0),
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = settings.Integer("vocab_size", 65024), Width = width },
                Blocks = [.. Enumerable.Repeat(block, layers)],
                Norm = norm,
            },
            Head = new HeadConfig(settings.Boolean("tie_word_embeddings", true)),
        }, 11, 11);
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
        // The newer form says any number of key and value heads, of parallel branches alone.
        bool isParallel = block.Order != BranchOrder.Sequential, isMultiQuery = attention.KeyValueHeads == 1;
        bool isNew = isParallel && (block.Order == BranchOrder.Parallel || (!isMultiQuery && attention.KeyValueHeads != attention.Heads));
        json.WriteNumber("hidden_size", decoder.Width);
        json.WriteNumber("num_hidden_layers", decoder.Layers);
        json.WriteNumber("num_attention_heads", attention.Heads);
        json.WriteNumber("num_kv_heads", attention.KeyValueHeads);
        json.WriteNumber("ffn_hidden_size", block.FeedForward.HiddenWidth);
        json.WriteNumber("max_position_embeddings", decoder.MaximumLength);
        json.WriteString("activation", ActivationNames.Of(block.FeedForward.Activation));
        WriteFloat(json, "layer_norm_epsilon", norm.Epsilon);
        WriteFloat(json, "hidden_dropout", decoder.Dropout);
        json.WriteBoolean("alibi", false);
        json.WriteBoolean("bias", attention.InputBias);
        json.WriteBoolean("multi_query", isMultiQuery);
        json.WriteBoolean("parallel_attn", isParallel);
        json.WriteBoolean("new_decoder_architecture", isNew);
        if (isNew)
            json.WriteNumber("num_ln_in_parallel_attn", block.Order == BranchOrder.Parallel ? 2 : 1);
        RotaryFields.Write(json, rotary, attention.HeadWidth);
        return true;
    }
}
