using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>T5: encoder and decoder with RMS norms, relative buckets that all blocks of a stack share, scores that are not scaled, no biases.</summary>
internal sealed class T5 : Family
{
    private const int Unlimited = 1 << 20;

    // Relative positions have no longest; files say what the models were trained with.
    private const uint UsualLength = 512;

    public override string Name => "t5";

    public override GgufMap Gguf { get; } = new("t5",
    [
        ("shared", "token_embd"),
        ("lm_head", "output"),
        .. Side("encoder", "enc"),
        .. Side("decoder", "dec"),
    ], static fields =>
    {
        fields.Ask("context_length", "attention.layer_norm_epsilon");
        fields.Whole("embedding_length", "d_model");
        fields.Whole("feed_forward_length", "d_ff");
        fields.Whole("block_count", "num_layers");
        fields.Whole("decoder_block_count", "num_decoder_layers", isOptional: true);
        fields.Whole("attention.head_count", "num_heads");
        fields.Whole("attention.key_length", "d_kv");
        fields.Number("attention.layer_norm_rms_epsilon", "layer_norm_epsilon");
        fields.Whole("attention.relative_buckets_count", "relative_attention_num_buckets");
        fields.Whole("decoder_start_token_id", "decoder_start_token_id", isOptional: true);
        fields.Vocabulary();
        if (fields.Facts is { } facts)
            fields.Always("feed_forward_proj", facts.Has("enc.blk.0.ffn_gate.weight") ? "gated-gelu" : "relu");
        else
        {
            fields.Write("context_length", UsualLength);
            fields.Write("attention.value_length", fields.Config.GetProperty("d_kv").GetUInt32());
            fields.Write("attention.layer_norm_epsilon", (float)fields.Config.GetProperty("layer_norm_epsilon").GetDouble());
        }
    })
    {
        // Of old files; nothing reads it.
        Ignored = ["cross_attn_rel_b.weight"],
    };

    private static IEnumerable<(string, string)> Side(string theirs, string ours)
    {
        int last = ours == "enc" ? 1 : 2;
        yield return ($"{theirs}.final_layer_norm", $"{ours}.output_norm");
        foreach (string part in (string[])["q", "k", "v", "o"])
        {
            yield return ($"{theirs}.block.#.layer.0.SelfAttention.{part}", $"{ours}.blk.#.attn_{part}");
            yield return ($"{theirs}.block.#.layer.1.EncDecAttention.{part}", $"{ours}.blk.#.cross_attn_{part}");
        }
        yield return ($"{theirs}.block.#.layer.0.SelfAttention.relative_attention_bias", $"{ours}.blk.#.attn_rel_b");
        yield return ($"{theirs}.block.#.layer.0.layer_norm", $"{ours}.blk.#.attn_norm");
        if (last == 2)
            yield return ($"{theirs}.block.#.layer.1.layer_norm", $"{ours}.blk.#.cross_attn_norm");
        yield return ($"{theirs}.block.#.layer.{last}.layer_norm", $"{ours}.blk.#.ffn_norm");
        foreach ((string part, string name) in ((string, string)[])[("wi", "ffn_up"), ("wi_0", "ffn_gate"), ("wi_1", "ffn_up"), ("wo", "ffn_down")])
            yield return ($"{theirs}.block.#.layer.{last}.DenseReluDense.{part}", $"{ours}.blk.#.{name}");
    }

    protected override string Prefix => "";

    protected override IReadOnlyList<string> IgnoredEndings => ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"];

    protected override bool SaysDropout => true;

    public override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        EncoderDecoderConfig both = (EncoderDecoderConfig)config;
        int d = both.Encoder.Embedding.Width;
        List<WeightName> names = [WeightName.Whole("shared.weight", "embedding.weight", both.VocabularySize)];
        foreach ((string side, StackConfig stack) in ((string, StackConfig)[])[("encoder", both.Encoder), ("decoder", both.Decoder)])
        {
            names.Add(WeightName.Whole($"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight", $"{side}.position_bias.weight",
                ((BucketBias)stack.Bias!).Buckets));
            for (int i = 0; i < stack.Blocks.Count; i++)
            {
                BlockConfig block = stack.Blocks[i];
                AttentionConfig attention = (AttentionConfig)block.Mixer;
                int inner = attention.Heads * attention.HeadWidth, hidden = block.FeedForward.HiddenWidth, last = block.Cross is null ? 1 : 2;
                string theirs = $"{side}.block.{i}.layer", ours = $"{side}.blocks.{i}";
                foreach ((string name, int part) in ((string, int)[])[("q", 0), ("k", 1), ("v", 2)])
                    names.Add(new($"{theirs}.0.SelfAttention.{name}.weight", $"{ours}.attention.qkv.weight", part * inner, inner));
                names.Add(WeightName.Whole($"{theirs}.0.SelfAttention.o.weight", $"{ours}.attention.output.weight", d));
                names.Add(WeightName.Whole($"{theirs}.0.layer_norm.weight", $"{ours}.attention_norm.weight", d));
                if (block.Cross is not null)
                {
                    names.Add(WeightName.Whole($"{theirs}.1.EncDecAttention.q.weight", $"{ours}.cross.query.weight", inner));
                    names.Add(new($"{theirs}.1.EncDecAttention.k.weight", $"{ours}.cross.key_value.weight", 0, inner));
                    names.Add(new($"{theirs}.1.EncDecAttention.v.weight", $"{ours}.cross.key_value.weight", inner, inner));
                    names.Add(WeightName.Whole($"{theirs}.1.EncDecAttention.o.weight", $"{ours}.cross.output.weight", d));
                    names.Add(WeightName.Whole($"{theirs}.1.layer_norm.weight", $"{ours}.cross_norm.weight", d));
                }
                string dense = $"{theirs}.{last}.DenseReluDense";
                if (block.FeedForward is GatedFeedForward)
                {
                    names.Add(new($"{dense}.wi_0.weight", $"{ours}.feed_forward.gate_up.weight", 0, hidden));
                    names.Add(new($"{dense}.wi_1.weight", $"{ours}.feed_forward.gate_up.weight", hidden, hidden));
                }
                else
                    names.Add(WeightName.Whole($"{dense}.wi.weight", $"{ours}.feed_forward.up.weight", hidden));
                names.Add(WeightName.Whole($"{dense}.wo.weight", $"{ours}.feed_forward.down.weight", d));
                names.Add(WeightName.Whole($"{theirs}.{last}.layer_norm.weight", $"{ours}.feed_forward_norm.weight", d));
            }
            names.Add(WeightName.Whole($"{side}.final_layer_norm.weight", $"{side}.norm.weight", d));
        }
        if (!both.Head.Tied)
            names.Add(WeightName.Whole("lm_head.weight", "head.weight", both.VocabularySize));
        return names;
    }

    protected override string ArchitectureOf(ModelConfig config) => "T5ForConditionalGeneration";

    protected override ModelConfig ReadConfig(JsonSettings settings)
    {
        settings.Boolean("is_encoder_decoder", true);
        settings.Has("n_positions");
        int width = settings.Integer("d_model", 512), heads = settings.Integer("num_heads", 8), headWidth = settings.Integer("d_kv", 64);
        if ((long)heads * headWidth > 1 << 24)
            throw settings.Error($"attention: {heads} heads of width {headWidth} are more than a model can have");
        RmsNormConfig norm = new(settings.Single("layer_norm_epsilon", 1e-6));
        string projection = settings.Text("feed_forward_proj", "relu")!;
        bool isGated = projection.StartsWith("gated-", StringComparison.Ordinal);
        // The family's gelu is the one by tanh where the layer is gated.
        string name = isGated ? projection["gated-".Length..] : projection;
        Activation activation = ActivationNames.Read(settings, "dense_act_fn", isGated && name == "gelu" ? "gelu_new" : name);
        settings.Boolean("is_gated_act", isGated);
        int hidden = settings.Integer("d_ff", 2048);
        AttentionConfig attention = new() { Heads = heads, KeyValueHeads = heads, HeadWidth = headWidth, Scale = 1 };
        BlockConfig block = new()
        {
            Mixer = attention,
            FeedForward = isGated ? new GatedFeedForward(hidden, activation) : new PlainFeedForward(hidden, activation, Bias: false),
            Before = norm,
        };
        int layers = settings.Integer("num_layers", 6, most: MostLayers);
        bool isTied = settings.Boolean("tie_word_embeddings", true);
        StackConfig encoder = new()
        {
            Embedding = new EmbeddingConfig { VocabularySize = settings.Integer("vocab_size", 32128), Width = width },
            Blocks = [.. Enumerable.Repeat(block with { Mixer = attention with { Mask = MaskKind.None } }, layers)],
            Norm = norm,
            Bias = new BucketBias(heads, settings.Integer("relative_attention_num_buckets", 32, least: 4),
                settings.Integer("relative_attention_max_distance", 128)),
        };
        return WithIds(settings, new EncoderDecoderConfig
        {
            MaximumLength = Unlimited,
            Dropout = settings.Single("dropout_rate", 0.1),
            Encoder = encoder,
            Decoder = encoder with
            {
                Blocks = [.. Enumerable.Repeat(block with { Cross = attention with { Mask = MaskKind.None } },
                    settings.Integer("num_decoder_layers", layers, most: MostLayers))],
            },
            Head = new HeadConfig(isTied) { Scale = settings.Boolean("scale_decoder_outputs", isTied) ? (float)Math.Pow(width, -0.5) : 1 },
            DecoderBeginId = settings.Integer("decoder_start_token_id", 0, least: 0),
        }, null, 1);
    }

    protected override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not EncoderDecoderConfig
            {
                Encoder:
                {
                    Bias: BucketBias bias, Norm: RmsNormConfig norm,
                    Blocks: [{ Mixer: AttentionConfig attention } block, ..]
                }
            } both)
            return false;
        json.WriteBoolean("is_encoder_decoder", true);
        json.WriteNumber("d_model", both.Encoder.Embedding.Width);
        json.WriteNumber("d_kv", attention.HeadWidth);
        json.WriteNumber("num_heads", attention.Heads);
        json.WriteNumber("d_ff", block.FeedForward.HiddenWidth);
        json.WriteNumber("num_layers", both.Encoder.Blocks.Count);
        json.WriteNumber("num_decoder_layers", both.Decoder.Blocks.Count);
        json.WriteNumber("relative_attention_num_buckets", bias.Buckets);
        json.WriteNumber("relative_attention_max_distance", bias.MaximumDistance);
        bool isGated = block.FeedForward is GatedFeedForward;
        string activation = block.FeedForward.Activation == Activation.GeluTanh ? "gelu_new" : ActivationNames.Of(block.FeedForward.Activation);
        json.WriteString("feed_forward_proj", isGated ? $"gated-{(activation == "gelu_new" ? "gelu" : activation)}" : activation);
        json.WriteString("dense_act_fn", activation);
        json.WriteBoolean("is_gated_act", isGated);
        json.WriteBoolean("scale_decoder_outputs", both.Head.Scale != 1);
        WriteFloat(json, "layer_norm_epsilon", norm.Epsilon);
        WriteFloat(json, "dropout_rate", both.Dropout);
        json.WriteNumber("decoder_start_token_id", both.DecoderBeginId);
        return true;
    }
}
