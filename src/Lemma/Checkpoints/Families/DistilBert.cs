using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>DistilBERT: BERT of half its depth without token types; a head of masked tokens or none.</summary>
internal sealed class DistilBert : Family
{
    // The family's config has no field for it.
    private const float Epsilon = 1e-12f;
    private const string HeadMatrix = "vocab_projector.weight";

    public override string Name => "distilbert";

    // BERT's architecture without token types.
    public override GgufMap Gguf { get; } = new("bert",
    [
        ("distilbert.embeddings.word_embeddings", "token_embd"),
        ("distilbert.embeddings.position_embeddings", "position_embd"),
        ("distilbert.embeddings.LayerNorm", "token_embd_norm"),
        ("distilbert.transformer.layer.#.attention.q_lin", "blk.#.attn_q"),
        ("distilbert.transformer.layer.#.attention.k_lin", "blk.#.attn_k"),
        ("distilbert.transformer.layer.#.attention.v_lin", "blk.#.attn_v"),
        ("distilbert.transformer.layer.#.attention.out_lin", "blk.#.attn_output"),
        ("distilbert.transformer.layer.#.sa_layer_norm", "blk.#.attn_output_norm"),
        ("distilbert.transformer.layer.#.ffn.lin1", "blk.#.ffn_up"),
        ("distilbert.transformer.layer.#.ffn.lin2", "blk.#.ffn_down"),
        ("distilbert.transformer.layer.#.output_layer_norm", "blk.#.layer_output_norm"),
    ], static fields =>
    {
        fields.Whole("context_length", "max_position_embeddings");
        fields.Whole("embedding_length", "dim");
        fields.Whole("block_count", "n_layers");
        fields.Whole("feed_forward_length", "hidden_dim");
        fields.Whole("attention.head_count", "n_heads");
        fields.Write("attention.layer_norm_epsilon", Epsilon);
        fields.Vocabulary();
        if (fields.Facts is not { } facts)
        {
            fields.Write("attention.causal", false);
            fields.WriteOther("tokenizer.ggml.token_type_count", 1u);
        }
        else if (facts.Number("attention.layer_norm_epsilon") is not Epsilon and var epsilon)
            throw facts.Error($"without token types the value {facts.Architecture}.attention.layer_norm_epsilon must be {Epsilon}, but is {epsilon ?? "missing"}");
    })
    {
        Suits = static facts => !facts.Has("token_types.weight"),
        LeftOut = ["vocab_transform.", "vocab_layer_norm.", "vocab_projector."],
    };

    public override IReadOnlyList<string> TiedNames => [HeadMatrix];

    protected override string Prefix => "distilbert.";

    protected override IReadOnlyList<string> IgnoredEndings => ["embeddings.position_ids"];

    protected override bool SaysDropout => true;

    // What a file holds says more than its config: sentence encoders have no heads.
    public override ModelConfig Adapt(ModelConfig config, TensorFile file)
    {
        EncoderConfig encoder = (EncoderConfig)config;
        return encoder with { Head = file.Tensors.Any(entry => entry.Name == "vocab_transform.weight") ? HeadOf(encoder.Stack.Blocks[0]) : null };
    }

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        EncoderConfig encoder = (EncoderConfig)config;
        EmbeddingConfig embedding = encoder.Stack.Embedding;
        int d = embedding.Width;
        List<WeightName> names =
        [
            WeightName.Whole("distilbert.embeddings.word_embeddings.weight", "embedding.weight", embedding.VocabularySize),
            WeightName.Whole("distilbert.embeddings.position_embeddings.weight", "positions.weight", embedding.LearnedPositions),
            .. WeightName.Norm("distilbert.embeddings.LayerNorm", "embedding_norm", d, embedding.Norm!),
        ];
        for (int i = 0; i < encoder.Stack.Blocks.Count; i++)
        {
            string theirs = $"distilbert.transformer.layer.{i}", ours = $"blocks.{i}";
            BlockConfig block = encoder.Stack.Blocks[i];
            foreach ((string name, int part) in ((string, int)[])[("q_lin", 0), ("k_lin", 1), ("v_lin", 2)])
                names.AddRange(WeightName.Linear($"{theirs}.attention.{name}", $"{ours}.attention.qkv", d, bias: true, part * d));
            names.AddRange(WeightName.Linear($"{theirs}.attention.out_lin", $"{ours}.attention.output", d, bias: true));
            names.AddRange(WeightName.Norm($"{theirs}.sa_layer_norm", $"{ours}.attention_sum_norm", d, block.AfterSum!));
            names.AddRange(WeightName.Linear($"{theirs}.ffn.lin1", $"{ours}.feed_forward.up", block.FeedForward.HiddenWidth, bias: true));
            names.AddRange(WeightName.Linear($"{theirs}.ffn.lin2", $"{ours}.feed_forward.down", d, bias: true));
            names.AddRange(WeightName.Norm($"{theirs}.output_layer_norm", $"{ours}.feed_forward_sum_norm", d, block.AfterSum!));
        }
        if (encoder.Head is { } head)
        {
            names.AddRange(WeightName.Linear("vocab_transform", "head.transform", d, bias: true));
            names.AddRange(WeightName.Norm("vocab_layer_norm", "head.norm", d, head.Transform!.Norm));
            names.Add(WeightName.Whole("vocab_projector.bias", "head.bias", embedding.VocabularySize));
            if (!head.Tied)
                names.Add(WeightName.Whole(HeadMatrix, "head.weight", embedding.VocabularySize));
        }
        return names;
    }

    protected override string ArchitectureOf(ModelConfig config) => config is EncoderConfig { Head: not null } ? "DistilBertForMaskedLM" : "DistilBertModel";

    protected override ModelConfig ReadConfig(JsonSettings settings)
    {
        int width = settings.Integer("dim", 768), heads = settings.Integer("n_heads", 12), length = settings.Integer("max_position_embeddings", 512);
        if (width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        // Their positions would not be trained.
        settings.RequireBoolean("sinusoidal_pos_embds", expected: false, fallback: false);
        foreach (string name in (string[])["qa_dropout", "seq_classif_dropout", "tie_weights_"])
            settings.Has(name);
        LayerNormConfig norm = new(Epsilon);
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
            FeedForward = new PlainFeedForward(settings.Integer("hidden_dim", 3072), ActivationNames.Read(settings, "activation", "gelu"), Bias: true),
            AfterSum = norm,
        };
        bool isTied = settings.Boolean("tie_word_embeddings", true), hasHead = settings.Texts("architectures") is ["DistilBertForMaskedLM", ..];
        return WithIds(settings, new EncoderConfig
        {
            MaximumLength = length,
            Dropout = settings.Single("dropout", 0.1),
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig
                {
                    VocabularySize = settings.Integer("vocab_size", 30522),
                    Width = width,
                    LearnedPositions = length,
                    Norm = norm,
                },
                Blocks = [.. Enumerable.Repeat(block, settings.Integer("n_layers", 6, most: MostLayers))],
            },
            Head = hasHead ? HeadOf(block, isTied) : null,
        }, null, null);
    }

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not EncoderConfig { Stack: { Embedding: var embedding, Blocks: [{ Mixer: AttentionConfig attention } block, ..] } } encoder)
            return false;
        json.WriteNumber("dim", embedding.Width);
        json.WriteNumber("n_layers", encoder.Stack.Blocks.Count);
        json.WriteNumber("n_heads", attention.Heads);
        json.WriteNumber("hidden_dim", block.FeedForward.HiddenWidth);
        json.WriteNumber("max_position_embeddings", encoder.MaximumLength);
        json.WriteString("activation", ActivationNames.Of(block.FeedForward.Activation));
        WriteFloat(json, "dropout", encoder.Dropout);
        return true;
    }

    private static HeadConfig HeadOf(BlockConfig block, bool isTied = true) =>
        new(isTied) { Bias = true, Transform = new HeadTransform(block.FeedForward.Activation, block.AfterSum!) };
}
