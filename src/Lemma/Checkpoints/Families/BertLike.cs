using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>The families whose configs and names are those of BERT with changes: each file says its changes.</summary>
internal abstract class BertLike : Family
{
    /// <summary>The names of the head of masked tokens: its layer, its norm, its bias and its matrix where it has one of its own.</summary>
    protected readonly record struct HeadNames(string Transform, string Norm, string Bias, string Matrix);

    /// <summary>The start of the names of its classes in transformers.</summary>
    protected abstract string Class { get; }

    /// <summary>The names of its head of masked tokens.</summary>
    protected abstract HeadNames Head { get; }

    /// <summary>The names of the layer of the first row, and of that of the classes, of an encoder.</summary>
    protected abstract (string Pooler, string Classes) ClassNames(EncoderConfig config);

    /// <summary>Tensors of classes that a file may have.</summary>
    protected abstract IReadOnlyList<string> ClassMatrices { get; }

    /// <summary>The activation of the head of masked tokens in a model with an activation.</summary>
    protected virtual Activation HeadActivation(Activation activation) => activation;

    /// <summary>The row of positions that the first token has.</summary>
    protected virtual int FirstPosition(JsonSettings settings) => 0;

    /// <summary>Kinds of tokens where the config does not say.</summary>
    protected virtual int TokenTypes => 2;

    /// <summary>How a class of transformers that predicts masked tokens and what follows ends; null where there is none.</summary>
    protected virtual string? PreTraining => null;

    public sealed override IReadOnlyList<string> TiedNames => [Head.Matrix];

    protected sealed override IReadOnlyList<string> IgnoredEndings => ["embeddings.position_ids", Head.Matrix.Replace(".weight", ".bias", StringComparison.Ordinal)];

    protected sealed override bool SaysDropout => true;

    // What a file holds says more than its config: sentence encoders have no heads.
    public sealed override ModelConfig Adapt(ModelConfig config, TensorFile file)
    {
        EncoderConfig encoder = (EncoderConfig)config;
        bool Holds(string name) => file.Tensors.Any(entry => Bare(entry.Name) == Bare(name));
        TensorEntry? classes = file.Tensors.FirstOrDefault(entry => ClassMatrices.Contains(entry.Name));
        encoder = encoder with
        {
            Head = Holds(Head.Bias) ? HeadOf(encoder.Stack.Blocks[0]) : null,
            Classes = classes is { Sizes: [long count, _] } && count is > 0 and < 1 << 20 ? (int)count : 0,
        };
        return encoder with { Pooler = Holds($"{ClassNames(encoder).Pooler}.weight") };
    }

    public sealed override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        EncoderConfig encoder = (EncoderConfig)config;
        EmbeddingConfig embedding = encoder.Stack.Embedding;
        int d = embedding.Width;
        List<WeightName> names =
        [
            WeightName.Whole($"{Prefix}embeddings.word_embeddings.weight", "embedding.weight", embedding.VocabularySize),
            WeightName.Whole($"{Prefix}embeddings.position_embeddings.weight", "positions.weight", embedding.LearnedPositions),
            WeightName.Whole($"{Prefix}embeddings.token_type_embeddings.weight", "token_types.weight", embedding.TokenTypes),
            .. WeightName.Norm($"{Prefix}embeddings.LayerNorm", "embedding_norm", d, embedding.Norm!),
        ];
        for (int i = 0; i < encoder.Stack.Blocks.Count; i++)
        {
            string theirs = $"{Prefix}encoder.layer.{i}", ours = $"blocks.{i}";
            BlockConfig block = encoder.Stack.Blocks[i];
            foreach ((string name, int part) in ((string, int)[])[("query", 0), ("key", 1), ("value", 2)])
                names.AddRange(WeightName.Linear($"{theirs}.attention.self.{name}", $"{ours}.attention.qkv", d, bias: true, part * d));
            names.AddRange(WeightName.Linear($"{theirs}.attention.output.dense", $"{ours}.attention.output", d, bias: true));
            names.AddRange(WeightName.Norm($"{theirs}.attention.output.LayerNorm", $"{ours}.attention_sum_norm", d, block.AfterSum!));
            names.AddRange(WeightName.Linear($"{theirs}.intermediate.dense", $"{ours}.feed_forward.up", block.FeedForward.HiddenWidth, bias: true));
            names.AddRange(WeightName.Linear($"{theirs}.output.dense", $"{ours}.feed_forward.down", d, bias: true));
            names.AddRange(WeightName.Norm($"{theirs}.output.LayerNorm", $"{ours}.feed_forward_sum_norm", d, block.AfterSum!));
        }
        (string pooler, string classes) = ClassNames(encoder);
        if (encoder.Pooler)
            names.AddRange(WeightName.Linear(pooler, "pooler", d, bias: true));
        if (encoder.Head is { } head)
        {
            names.AddRange(WeightName.Linear(Head.Transform, "head.transform", d, bias: true));
            names.AddRange(WeightName.Norm(Head.Norm, "head.norm", d, head.Transform!.Norm));
            names.Add(WeightName.Whole(Head.Bias, "head.bias", embedding.VocabularySize));
            if (!head.Tied)
                names.Add(WeightName.Whole(Head.Matrix, "head.weight", embedding.VocabularySize));
        }
        if (encoder.Classes > 0)
            names.AddRange(WeightName.Linear(classes, "classes", encoder.Classes, bias: true));
        return names;
    }

    /// <summary>The GGUF architecture of the families of this kind.</summary>
    /// <param name="prefix">The start of the family's names.</param>
    /// <param name="beforeFirst">The field with the row of positions before that of the first token; null where there is none. The file has no such rows.</param>
    protected static GgufMap BertGguf(string prefix, string? beforeFirst = null) => new("bert",
    [
        ($"{prefix}embeddings.word_embeddings", "token_embd"),
        ($"{prefix}embeddings.position_embeddings", "position_embd"),
        ($"{prefix}embeddings.token_type_embeddings", "token_types"),
        ($"{prefix}embeddings.LayerNorm", "token_embd_norm"),
        ($"{prefix}encoder.layer.#.attention.self.query", "blk.#.attn_q"),
        ($"{prefix}encoder.layer.#.attention.self.key", "blk.#.attn_k"),
        ($"{prefix}encoder.layer.#.attention.self.value", "blk.#.attn_v"),
        ($"{prefix}encoder.layer.#.attention.output.dense", "blk.#.attn_output"),
        ($"{prefix}encoder.layer.#.attention.output.LayerNorm", "blk.#.attn_output_norm"),
        ($"{prefix}encoder.layer.#.intermediate.dense", "blk.#.ffn_up"),
        ($"{prefix}encoder.layer.#.output.dense", "blk.#.ffn_down"),
        ($"{prefix}encoder.layer.#.output.LayerNorm", "blk.#.layer_output_norm"),
    ], fields =>
    {
        if (fields.Facts is null && beforeFirst is not null)
            fields.Write("context_length",
                fields.Config.GetProperty("max_position_embeddings").GetUInt32() - fields.Config.GetProperty(beforeFirst).GetUInt32() - 1);
        else
            fields.Whole("context_length", "max_position_embeddings");
        fields.Whole("embedding_length", "hidden_size");
        fields.Whole("block_count", "num_hidden_layers");
        fields.Whole("feed_forward_length", "intermediate_size");
        fields.Whole("attention.head_count", "num_attention_heads");
        fields.Number("attention.layer_norm_epsilon", "layer_norm_eps");
        fields.Computed("type_vocab_size", static facts => facts.Sizes("token_types.weight") is [long types, _] ? types : 1);
        fields.Vocabulary();
        if (fields.Facts is null)
        {
            fields.Write("attention.causal", false);
            fields.WriteOther("tokenizer.ggml.token_type_count", fields.Config.GetProperty("type_vocab_size").GetUInt32());
        }
    });

    protected sealed override string ArchitectureOf(ModelConfig config)
    {
        EncoderConfig? encoder = config as EncoderConfig;
        return Class + (encoder?.Head, encoder?.Classes ?? 0) switch
        {
            (null, 0) => "Model",
            (null, _) => "ForSequenceClassification",
            (_, 0) => "ForMaskedLM",
            _ => PreTraining ?? "ForMaskedLM",
        };
    }

    protected sealed override ModelConfig ReadConfig(JsonSettings settings)
    {
        int width = settings.Integer("hidden_size", 768), heads = settings.Integer("num_attention_heads", 12);
        if (width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        settings.RequireBoolean("is_decoder", expected: false, fallback: false);
        settings.RequireBoolean("add_cross_attention", expected: false, fallback: false);
        if (settings.Text("position_embedding_type", "absolute") is string kind && kind != "absolute")
            throw settings.Error($"\"position_embedding_type\": '{kind}' is not supported");
        LayerNormConfig norm = new(settings.Single("layer_norm_eps", 1e-12));
        BlockConfig block = new()
        {
            Mixer = new AttentionConfig
            {
                Heads = heads,
                KeyValueHeads = heads,
                HeadWidth = width / heads,
                Mask = MaskKind.None,
                InputBias = true,
                OutputBias = true,
            },
            FeedForward = new PlainFeedForward(settings.Integer("intermediate_size", 3072), ActivationNames.Read(settings, "hidden_act", "gelu"), Bias: true),
            AfterSum = norm,
        };
        int rows = settings.Integer("max_position_embeddings", 512), first = FirstPosition(settings);
        if (first >= rows)
            throw settings.Error($"positions: the first of {rows} rows cannot be {first}");
        string architecture = settings.Texts("architectures") is [string named, ..] ? named : Class + "Model";
        bool isTied = settings.Boolean("tie_word_embeddings", true), followsToo = PreTraining is { } ending && architecture == Class + ending,
            hasHead = followsToo || architecture == Class + "ForMaskedLM";
        return WithIds(settings, new EncoderConfig
        {
            MaximumLength = rows - first,
            Dropout = settings.Single("hidden_dropout_prob", 0.1),
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig
                {
                    VocabularySize = settings.Integer("vocab_size", 30522),
                    Width = width,
                    LearnedPositions = rows,
                    PositionOffset = first,
                    TokenTypes = settings.Integer("type_vocab_size", TokenTypes),
                    Norm = norm,
                },
                Blocks = [.. Enumerable.Repeat(block, settings.Integer("num_hidden_layers", 12, most: MostLayers))],
            },
            Head = hasHead ? HeadOf(block, isTied) : null,
            Pooler = architecture != Class + "ForMaskedLM",
            Classes = followsToo ? 2 : architecture == Class + "ForSequenceClassification"
                ? settings.Integer("num_labels", settings.Section("id2label")?.Names.Count() ?? 2) : 0,
        }, null, null);
    }

    protected sealed override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not EncoderConfig
            {
                Stack:
                {
                    Embedding: { TokenTypes: > 0 } embedding, Blocks: [
                    {
                        Mixer: AttentionConfig attention,
                        AfterSum: { } norm
                    } block, ..]
                }
            } encoder)
            return false;
        json.WriteNumber("hidden_size", embedding.Width);
        json.WriteNumber("num_hidden_layers", encoder.Stack.Blocks.Count);
        json.WriteNumber("num_attention_heads", attention.Heads);
        json.WriteNumber("intermediate_size", block.FeedForward.HiddenWidth);
        json.WriteNumber("max_position_embeddings", embedding.LearnedPositions);
        json.WriteNumber("type_vocab_size", embedding.TokenTypes);
        json.WriteString("hidden_act", ActivationNames.Of(block.FeedForward.Activation));
        WriteFloat(json, "layer_norm_eps", norm.Epsilon);
        WriteFloat(json, "hidden_dropout_prob", encoder.Dropout);
        WriteFloat(json, "attention_probs_dropout_prob", 0f);
        if (encoder is { Head: null, Classes: > 0 })
            json.WriteNumber("num_labels", encoder.Classes);
        return WriteMore(json, encoder);
    }

    /// <summary>Writes the fields that only this family has; false when the config is plainly of another one.</summary>
    protected virtual bool WriteMore(Utf8JsonWriter json, EncoderConfig config) => true;

    private HeadConfig HeadOf(BlockConfig block, bool isTied = true) =>
        new(isTied) { Bias = true, Transform = new HeadTransform(HeadActivation(block.FeedForward.Activation), block.AfterSum!) };
}
