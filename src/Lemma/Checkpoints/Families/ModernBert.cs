using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>ModernBERT: an encoder with rotary positions, gated feed-forwards and windows both ways in two of three layers; the first attention reads the
/// normed embedding as it is.</summary>
internal sealed class ModernBert : Family
{
    private const string Full = "full_attention", Sliding = "sliding_attention", HeadMatrix = "decoder.weight";

    public override string Name => "modernbert";

    public override GgufMap Gguf { get; } = new("modern-bert",
    [
        ("model.embeddings.tok_embeddings", "token_embd"),
        ("model.embeddings.norm", "token_embd_norm"),
        ("model.layers.#.attn_norm", "blk.#.attn_norm"),
        ("model.layers.#.attn.Wqkv", "blk.#.attn_qkv"),
        ("model.layers.#.attn.Wo", "blk.#.attn_output"),
        ("model.layers.#.mlp_norm", "blk.#.ffn_norm"),
        ("model.layers.#.mlp.Wi", "blk.#.ffn_up"),
        ("model.layers.#.mlp.Wo", "blk.#.ffn_down"),
        ("model.final_norm", "output_norm"),
    ], DescribeGguf)
    {
        LeftOut = ["head.", "decoder."],
        Harmless = ["attention.layer_norm_rms_epsilon", "classifier.pooling_type", "classifier.activation"],
    };

    public override IReadOnlyList<string> TiedNames => [HeadMatrix];

    protected override string Prefix => "model.";

    protected override bool SaysDropout => true;

    // What a file holds says more than its config: sentence encoders have no heads.
    public override ModelConfig Adapt(ModelConfig config, TensorFile file)
    {
        EncoderConfig encoder = (EncoderConfig)config;
        return file.Tensors.Any(entry => entry.Name == "head.dense.weight") ? encoder : encoder with { Head = null };
    }

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        EncoderConfig encoder = (EncoderConfig)config;
        EmbeddingConfig embedding = encoder.Stack.Embedding;
        int d = embedding.Width;
        List<WeightName> names =
        [
            WeightName.Whole("model.embeddings.tok_embeddings.weight", "embedding.weight", embedding.VocabularySize),
            .. WeightName.Norm("model.embeddings.norm", "embedding_norm", d, embedding.Norm!),
        ];
        for (int i = 0; i < encoder.Stack.Blocks.Count; i++)
        {
            string theirs = $"model.layers.{i}", ours = $"blocks.{i}";
            BlockConfig block = encoder.Stack.Blocks[i];
            AttentionConfig attention = (AttentionConfig)block.Mixer;
            if (!block.MixerReadsStream)
                names.AddRange(WeightName.Norm($"{theirs}.attn_norm", $"{ours}.attention_norm", d, block.Before!));
            names.AddRange(WeightName.Linear($"{theirs}.attn.Wqkv", $"{ours}.attention.qkv", 3 * d, attention.InputBias));
            names.AddRange(WeightName.Linear($"{theirs}.attn.Wo", $"{ours}.attention.output", d, attention.OutputBias));
            names.AddRange(WeightName.Norm($"{theirs}.mlp_norm", $"{ours}.feed_forward_norm", d, block.Before!));
            names.AddRange(WeightName.Linear($"{theirs}.mlp.Wi", $"{ours}.feed_forward.gate_up", 2 * block.FeedForward.HiddenWidth, block.FeedForward.Bias));
            names.AddRange(WeightName.Linear($"{theirs}.mlp.Wo", $"{ours}.feed_forward.down", d, block.FeedForward.Bias));
        }
        names.AddRange(WeightName.Norm("model.final_norm", "norm", d, encoder.Stack.Norm!));
        if (encoder.Head is { } head)
        {
            names.AddRange(WeightName.Linear("head.dense", "head.transform", d, head.Transform!.Bias));
            names.AddRange(WeightName.Norm("head.norm", "head.norm", d, head.Transform.Norm));
            if (head.Bias)
                names.Add(WeightName.Whole("decoder.bias", "head.bias", embedding.VocabularySize));
            if (!head.Tied)
                names.Add(WeightName.Whole(HeadMatrix, "head.weight", embedding.VocabularySize));
        }
        return names;
    }

    private static void DescribeGguf(GgufFields fields)
    {
        const string Period = "attention.sliding_window_pattern", Activation = "hidden_activation", Scaling = "rope.scaling.type";
        const long UsualPeriod = 3;
        fields.Whole("context_length", "max_position_embeddings");
        fields.Whole("embedding_length", "hidden_size");
        fields.Whole("block_count", "num_hidden_layers");
        fields.Whole("feed_forward_length", "intermediate_size");
        fields.Whole("attention.head_count", "num_attention_heads");
        fields.Number("attention.layer_norm_epsilon", "norm_eps");
        fields.Whole("attention.sliding_window", "local_attention", isOptional: true);
        fields.Vocabulary();
        foreach (string name in (string[])["norm_bias", "attention_bias", "mlp_bias"])
            fields.Always(name, false);
        fields.Ask(Period, Activation, Scaling, "rope.freq_base", "rope.freq_base_swa");
        if (fields.Facts is not { } facts)
        {
            JsonElement kinds = fields.Config.GetProperty("layer_types"), rotary = fields.Config.GetProperty("rope_parameters");
            // The first layer sees everything, and so does one of every period.
            int next = kinds.EnumerateArray().Select(kind => kind.GetString()).Skip(1).TakeWhile(kind => kind == Sliding).Count() + 1;
            fields.Write(Period, (uint)next);
            fields.Write(Activation, fields.Config.GetProperty(Activation).GetString()!);
            fields.Write(Scaling, "none");
            fields.Write("rope.freq_base", (float)rotary.GetProperty(Full).GetProperty("rope_theta").GetDouble());
            fields.Write("rope.freq_base_swa", (float)rotary.GetProperty(Sliding).GetProperty("rope_theta").GetDouble());
            fields.Write("attention.causal", false);
            return;
        }
        if (facts.Text(Scaling) is { } scaling && scaling != "none")
            throw facts.Error($"the value {facts.Architecture}.{Scaling} must be none, but is {scaling}");
        fields.Json.WriteNumber("global_attn_every_n_layers", facts.Whole("attention.sliding_window") is null ? 1 : facts.Whole(Period) ?? UsualPeriod);
        fields.Json.WriteString(Activation, facts.Text(Activation) ?? "gelu");
        fields.WriteNumber("global_rope_theta", facts.Number("rope.freq_base") ?? 10000f);
        fields.WriteNumber("local_rope_theta", facts.Number("rope.freq_base_swa") ?? 10000f);
    }

    protected override string ArchitectureOf(ModelConfig config) => config is EncoderConfig { Head: not null } ? "ModernBertForMaskedLM" : "ModernBertModel";

    protected override ModelConfig ReadConfig(JsonSettings settings)
    {
        int width = settings.Integer("hidden_size", 768), heads = settings.Integer("num_attention_heads", 12),
            length = settings.Integer("max_position_embeddings", 8192, most: 1 << 28), layers = settings.Integer("num_hidden_layers", 22, most: MostLayers);
        if (width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        if (settings.Text("position_embedding_type", "absolute") is string kind && kind is not ("absolute" or "sans_pos"))
            throw settings.Error($"\"position_embedding_type\": '{kind}' is not supported");
        foreach (string name in (string[])["mlp_dropout", "initializer_cutoff_factor", "deterministic_flash_attn", "reference_compile", "repad_logits_with_grad",
            "sparse_prediction", "sparse_pred_ignore_index", "classifier_pooling", "layer_norm_eps", "gradient_checkpointing"])
            settings.Has(name);
        LayerNormConfig norm = new(settings.Single("norm_eps", 1e-5), settings.Boolean("norm_bias", false));
        bool bias = settings.Boolean("attention_bias", false), inner = settings.Boolean("mlp_bias", false);
        int every = settings.Integer("global_attn_every_n_layers", 3), window = settings.Integer("local_attention", 128, most: 1 << 28) / 2 + 1;
        double global = settings.Number("global_rope_theta", 160000), local = settings.Number("local_rope_theta", 10000);
        RotaryConfig full = RotaryFields.Read(settings, width / heads, length, global, Full);
        RotaryConfig sliding = RotaryFields.Read(settings, width / heads, length, local, Sliding);
        GatedFeedForward gated = new(settings.Integer("intermediate_size", 1152), ActivationNames.Read(settings, "hidden_activation", "gelu"), inner);
        LlamaLike.Sizes sizes = new(width, layers, heads, heads, width / heads, gated.HiddenWidth, length);
        BlockConfig[] blocks = [.. Enumerable.Range(0, layers).Select(layer => LlamaLike.IsSliding(settings, sizes, layer, layer % every != 0)).Select(isSliding =>
            new BlockConfig
            {
                Mixer = new AttentionConfig
                {
                    Heads = heads,
                    KeyValueHeads = heads,
                    HeadWidth = width / heads,
                    Mask = MaskKind.None,
                    Window = isSliding ? window : null,
                    Rotary = isSliding ? sliding : full,
                    InputBias = bias,
                    OutputBias = bias,
                },
                FeedForward = gated,
                Before = norm,
            })];
        blocks[0] = blocks[0] with { MixerReadsStream = true };
        HeadConfig head = new(settings.Boolean("tie_word_embeddings", true))
        {
            Bias = settings.Boolean("decoder_bias", true),
            Transform = new HeadTransform(ActivationNames.Read(settings, "classifier_activation", "gelu"), norm, settings.Boolean("classifier_bias", false)),
        };
        return WithIds(settings, new EncoderConfig
        {
            MaximumLength = length,
            Dropout = settings.Single("embedding_dropout", 0),
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = settings.Integer("vocab_size", 50368), Width = width, Norm = norm },
                Blocks = [.. blocks],
                Norm = norm,
            },
            Head = settings.Texts("architectures") is ["ModernBertForMaskedLM", ..] ? head : null,
        }, null, null);
    }

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not EncoderConfig { Stack: { Embedding: var embedding, Norm: LayerNormConfig norm } } encoder
            || encoder.Stack.Blocks.Select(block => block.Mixer).OfType<AttentionConfig>().ToArray() is not [var first, ..] all)
            return false;
        BlockConfig block = encoder.Stack.Blocks[0];
        json.WriteNumber("hidden_size", embedding.Width);
        json.WriteNumber("num_hidden_layers", encoder.Stack.Blocks.Count);
        json.WriteNumber("num_attention_heads", first.Heads);
        json.WriteNumber("intermediate_size", block.FeedForward.HiddenWidth);
        json.WriteNumber("max_position_embeddings", encoder.MaximumLength);
        json.WriteString("hidden_activation", ActivationNames.Of(block.FeedForward.Activation));
        WriteFloat(json, "norm_eps", norm.Epsilon);
        json.WriteBoolean("norm_bias", norm.Bias);
        json.WriteBoolean("attention_bias", first.InputBias);
        json.WriteBoolean("mlp_bias", block.FeedForward.Bias);
        WriteFloat(json, "embedding_dropout", encoder.Dropout);
        json.WriteNumber("local_attention", 2 * ((all.FirstOrDefault(one => one.Window is not null)?.Window ?? 65) - 1));
        json.WriteStartArray("layer_types");
        foreach (AttentionConfig one in all)
            json.WriteStringValue(one.Window is null ? Full : Sliding);
        json.WriteEndArray();
        json.WriteStartObject("rope_parameters");
        foreach ((string kind, RotaryConfig? rotary) in ((string, RotaryConfig?)[])[(Full, all.FirstOrDefault(one => one.Window is null)?.Rotary),
            (Sliding, all.FirstOrDefault(one => one.Window is not null)?.Rotary)])
        {
            json.WriteStartObject(kind);
            RotaryFields.WriteInside(json, rotary ?? new RotaryConfig(), 1);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        // Without it transformers takes an id that smaller vocabularies do not have.
        json.WriteNull("pad_token_id");
        if (encoder.Head is not { Transform: { } transform } head)
            return true;
        json.WriteBoolean("decoder_bias", head.Bias);
        json.WriteString("classifier_activation", ActivationNames.Of(transform.Activation));
        json.WriteBoolean("classifier_bias", transform.Bias);
        return true;
    }
}
