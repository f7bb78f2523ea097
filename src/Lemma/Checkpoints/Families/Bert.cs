using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>BERT: an encoder with norms of the sums, learned positions and token types; heads for masked tokens and for what follows, or none.</summary>
internal sealed class Bert : Family
{
    public override string Name => "bert";

    public override GgufMap Gguf { get; } = new("bert",
    [
        ("bert.embeddings.word_embeddings", "token_embd"),
        ("bert.embeddings.position_embeddings", "position_embd"),
        ("bert.embeddings.token_type_embeddings", "token_types"),
        ("bert.embeddings.LayerNorm", "token_embd_norm"),
        ("bert.encoder.layer.#.attention.self.query", "blk.#.attn_q"),
        ("bert.encoder.layer.#.attention.self.key", "blk.#.attn_k"),
        ("bert.encoder.layer.#.attention.self.value", "blk.#.attn_v"),
        ("bert.encoder.layer.#.attention.output.dense", "blk.#.attn_output"),
        ("bert.encoder.layer.#.attention.output.LayerNorm", "blk.#.attn_output_norm"),
        ("bert.encoder.layer.#.intermediate.dense", "blk.#.ffn_up"),
        ("bert.encoder.layer.#.output.dense", "blk.#.ffn_down"),
        ("bert.encoder.layer.#.output.LayerNorm", "blk.#.layer_output_norm"),
    ], static fields =>
    {
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
    })
    {
        LeftOut = ["bert.pooler.", "cls.", "classifier."],
    };

    public override IReadOnlyList<string> TiedNames => ["cls.predictions.decoder.weight"];

    protected override string Prefix => "bert.";

    protected override IReadOnlyList<string> IgnoredEndings => ["embeddings.position_ids", "cls.predictions.decoder.bias"];

    protected override bool SaysDropout => true;

    // What a file holds says more than its config: sentence encoders have no heads.
    public override ModelConfig Adapt(ModelConfig config, TensorFile file)
    {
        EncoderConfig encoder = (EncoderConfig)config;
        bool Holds(string name) => file.Tensors.Any(entry => Bare(entry.Name) == name);
        TensorEntry? classes = file.Tensors.FirstOrDefault(entry => entry.Name is "cls.seq_relationship.weight" or "classifier.weight");
        return encoder with
        {
            Head = Holds("cls.predictions.bias") ? HeadOf(encoder.Stack.Blocks[0]) : null,
            Pooler = Holds("pooler.dense.weight"),
            Classes = classes is { Sizes: [long count, _] } && count is > 0 and < 1 << 20 ? (int)count : 0,
        };
    }

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        EncoderConfig encoder = (EncoderConfig)config;
        EmbeddingConfig embedding = encoder.Stack.Embedding;
        int d = embedding.Width;
        List<WeightName> names =
        [
            WeightName.Whole("bert.embeddings.word_embeddings.weight", "embedding.weight", embedding.VocabularySize),
            WeightName.Whole("bert.embeddings.position_embeddings.weight", "positions.weight", embedding.LearnedPositions),
            WeightName.Whole("bert.embeddings.token_type_embeddings.weight", "token_types.weight", embedding.TokenTypes),
            .. WeightName.Norm("bert.embeddings.LayerNorm", "embedding_norm", d, embedding.Norm!),
        ];
        for (int i = 0; i < encoder.Stack.Blocks.Count; i++)
        {
            string theirs = $"bert.encoder.layer.{i}", ours = $"blocks.{i}";
            BlockConfig block = encoder.Stack.Blocks[i];
            foreach ((string name, int part) in ((string, int)[])[("query", 0), ("key", 1), ("value", 2)])
                names.AddRange(WeightName.Linear($"{theirs}.attention.self.{name}", $"{ours}.attention.qkv", d, bias: true, part * d));
            names.AddRange(WeightName.Linear($"{theirs}.attention.output.dense", $"{ours}.attention.output", d, bias: true));
            names.AddRange(WeightName.Norm($"{theirs}.attention.output.LayerNorm", $"{ours}.attention_sum_norm", d, block.AfterSum!));
            names.AddRange(WeightName.Linear($"{theirs}.intermediate.dense", $"{ours}.feed_forward.up", block.FeedForward.HiddenWidth, bias: true));
            names.AddRange(WeightName.Linear($"{theirs}.output.dense", $"{ours}.feed_forward.down", d, bias: true));
            names.AddRange(WeightName.Norm($"{theirs}.output.LayerNorm", $"{ours}.feed_forward_sum_norm", d, block.AfterSum!));
        }
        if (encoder.Pooler)
            names.AddRange(WeightName.Linear("bert.pooler.dense", "pooler", d, bias: true));
        if (encoder.Head is { } head)
        {
            names.AddRange(WeightName.Linear("cls.predictions.transform.dense", "head.transform", d, bias: true));
            names.AddRange(WeightName.Norm("cls.predictions.transform.LayerNorm", "head.norm", d, head.Transform!.Norm));
            names.Add(WeightName.Whole("cls.predictions.bias", "head.bias", embedding.VocabularySize));
            if (!head.Tied)
                names.Add(WeightName.Whole("cls.predictions.decoder.weight", "head.weight", embedding.VocabularySize));
        }
        if (encoder.Classes > 0)
            names.AddRange(WeightName.Linear(encoder.Head is null ? "classifier" : "cls.seq_relationship", "classes", encoder.Classes, bias: true));
        return names;
    }

    protected override string ArchitectureOf(ModelConfig config) => config is not EncoderConfig encoder ? "BertModel" : (encoder.Head, encoder.Classes) switch
    {
        (null, 0) => "BertModel",
        (null, _) => "BertForSequenceClassification",
        (_, 0) => "BertForMaskedLM",
        _ => "BertForPreTraining",
    };

    protected override ModelConfig ReadConfig(JsonSettings settings)
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
        int length = settings.Integer("max_position_embeddings", 512);
        string architecture = settings.Texts("architectures") is [string first, ..] ? first : "BertModel";
        bool isTied = settings.Boolean("tie_word_embeddings", true), hasHead = architecture is "BertForPreTraining" or "BertForMaskedLM";
        return WithIds(settings, new EncoderConfig
        {
            MaximumLength = length,
            Dropout = settings.Single("hidden_dropout_prob", 0.1),
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig
                {
                    VocabularySize = settings.Integer("vocab_size", 30522),
                    Width = width,
                    LearnedPositions = length,
                    TokenTypes = settings.Integer("type_vocab_size", 2),
                    Norm = norm,
                },
                Blocks = [.. Enumerable.Repeat(block, settings.Integer("num_hidden_layers", 12, most: MostLayers))],
            },
            Head = hasHead ? HeadOf(block, isTied) : null,
            Pooler = architecture != "BertForMaskedLM",
            Classes = architecture switch
            {
                "BertForPreTraining" => 2,
                "BertForSequenceClassification" => settings.Integer("num_labels", settings.Section("id2label")?.Names.Count() ?? 2),
                _ => 0,
            },
        }, null, null);
    }

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
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
        json.WriteNumber("max_position_embeddings", encoder.MaximumLength);
        json.WriteNumber("type_vocab_size", embedding.TokenTypes);
        json.WriteString("hidden_act", ActivationNames.Of(block.FeedForward.Activation));
        WriteFloat(json, "layer_norm_eps", norm.Epsilon);
        WriteFloat(json, "hidden_dropout_prob", encoder.Dropout);
        WriteFloat(json, "attention_probs_dropout_prob", 0f);
        if (encoder is { Head: null, Classes: > 0 })
            json.WriteNumber("num_labels", encoder.Classes);
        return true;
    }

    private static HeadConfig HeadOf(BlockConfig block, bool isTied = true) =>
        new(isTied) { Bias = true, Transform = new HeadTransform(block.FeedForward.Activation, block.AfterSum!) };
}
