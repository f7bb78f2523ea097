using System.Text.Json;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Gemma 4 (text, dense): norms around every branch and of values, wider heads where there is no window, a row for each block from the token.</summary>
internal sealed class Gemma4 : LlamaLike
{
    private const string Full = "full_attention", Sliding = "sliding_attention";

    public override string Name => "gemma4_text";

    public override GgufMap Gguf { get; } = LlamaGguf("gemma4", DescribeGguf) with
    {
        Names =
        [
            .. GgufLlama.NamesWithNormsBehind,
            ("model.layers.#.layer_scalar", "blk.#.layer_output_scale.weight"),
            ("model.embed_tokens_per_layer", "per_layer_token_embd"),
            ("model.per_layer_model_projection", "per_layer_model_proj"),
            ("model.per_layer_projection_norm", "per_layer_proj_norm"),
            ("model.layers.#.per_layer_input_gate", "blk.#.inp_gate"),
            ("model.layers.#.per_layer_projection", "blk.#.proj"),
            ("model.layers.#.post_per_layer_input_norm", "blk.#.post_norm"),
        ],
    };

    private static void DescribeGguf(GgufFields fields)
    {
        const string PerBlock = "embedding_length_per_layer_input", PerBlockField = "hidden_size_per_layer_input", Cap = "final_logit_softcapping";
        fields.Whole("attention.key_length", "global_head_dim");
        fields.Whole("attention.key_length_swa", "head_dim");
        fields.Whole("attention.shared_kv_layers", "num_kv_shared_layers", isOptional: true);
        // Where a file has no cap, llama.cpp takes 30 and its converter means none: it must say.
        if (fields.Facts is null && fields.Find(Cap) is null)
            fields.Write(Cap, 0f);
        else
            fields.Number(Cap, Cap);
        GgufLlama.LayerWindows(fields);
        fields.Always("attention_bias", false);
        fields.Ask(PerBlock);
        fields.Computed(PerBlockField, static facts => facts.Whole(PerBlock) ?? 0);
        foreach ((string end, string field) in ((string, string)[])[("", "global_head_dim"), ("_swa", "head_dim")])
        {
            string keys = "attention.key_length" + end, values = "attention.value_length" + end, turning = "rope.dimension_count" + end;
            fields.Ask(values, turning);
            if (fields.Facts is not { } file)
            {
                uint width = fields.Config.GetProperty(field).GetUInt32();
                fields.Write(values, width);
                fields.Write(turning, width);
            }
            else if ((file.Whole(values) ?? file.Whole(keys)) != file.Whole(keys) || (file.Whole(turning) ?? file.Whole(keys)) != file.Whole(keys))
                throw file.Error($"a head's {file.Whole(keys)} columns must all have values and turn, but {values} is "
                    + $"{file.Whole(values)}, {turning} {file.Whole(turning)}");
        }
        if (fields.Facts is null)
            fields.Write(PerBlock, fields.Config.GetProperty(PerBlockField).GetUInt32());
        DescribeRotary(fields);
    }

    // The pairs of a wide head that do not turn have frequencies divided by so much that nothing is left of them.
    private static void DescribeRotary(GgufFields fields)
    {
        const string Factors = "rope_freqs.weight", Theta = "rope.freq_base", LocalTheta = "rope.freq_base_swa";
        const float None = 1e30f;
        fields.Ask(Theta, LocalTheta);
        if (fields.Facts is not { } facts)
        {
            JsonElement parameters = fields.Config.GetProperty("rope_parameters"), full = parameters.GetProperty(Full);
            fields.Write(Theta, (float)full.GetProperty("rope_theta").GetDouble());
            fields.Write(LocalTheta, (float)parameters.GetProperty(Sliding).GetProperty("rope_theta").GetDouble());
            float[] written = new float[fields.Config.GetProperty("global_head_dim").GetInt32() / 2];
            double share = full.TryGetProperty("partial_rotary_factor", out JsonElement given) ? given.GetDouble() : 1;
            written.AsSpan().Fill(None);
            written.AsSpan(0, (int)Math.Floor(share * written.Length)).Fill(1);
            fields.WriteTensor(Factors, written);
            return;
        }
        float[] factors = facts.Has(Factors) ? facts.Read(Factors) : [];
        int turning = factors.AsSpan().IndexOfAnyExcept(1f) is >= 0 and var first ? first : factors.Length;
        if (factors.Length > 0 && (2L * factors.Length != facts.Whole("attention.key_length") || factors.AsSpan(turning).IndexOfAnyExcept(None) >= 0))
            throw facts.Error($"the tensor {Factors} must have 1 for each pair of a wide head that turns, then {None} for the others");
        Utf8JsonWriter json = fields.Json;
        json.WriteStartObject("rope_parameters");
        json.WriteStartObject(Full);
        fields.WriteNumber("rope_theta", facts.Number(Theta) ?? 10000f);
        json.WriteString("rope_type", turning == factors.Length ? "default" : "proportional");
        if (turning < factors.Length)
            json.WriteNumber("partial_rotary_factor", (double)turning / factors.Length);
        json.WriteEndObject();
        json.WriteStartObject(Sliding);
        fields.WriteNumber("rope_theta", facts.Number(LocalTheta) ?? 10000f);
        json.WriteString("rope_type", "default");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    protected override string ArchitectureOf(ModelConfig config) => "Gemma4ForCausalLM";

    protected override string ActivationField => "hidden_activation";

    protected override bool TiesByDefault => true;

    protected override bool WritesRotary => false;

    protected override AttentionConfig? Attention(DecoderConfig config) =>
        config.Stack.Blocks.Select(block => block.Mixer).OfType<AttentionConfig>().FirstOrDefault(one => one.Window is not null) ?? base.Attention(config);

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer)
    {
        settings.RequireBoolean("attention_k_eq_v", expected: false, fallback: false);
        settings.RequireBoolean("enable_moe_block", expected: false, fallback: false);
        if (settings.Integer("num_kv_shared_layers", 0, least: 0) is > 0 and var shared)
            throw settings.Error($"\"num_kv_shared_layers\": {shared} layers without keys and values of their own are not supported");
        if (settings.Text("use_bidirectional_attention") is string seen && seen != "vision")
            throw settings.Error($"\"use_bidirectional_attention\": '{seen}' is not supported");
        // These say something of layers that are refused above.
        foreach (string name in (string[])["use_double_wide_mlp", "num_global_key_value_heads", "num_experts", "top_k_experts", "moe_intermediate_size"])
            settings.Has(name);
        bool bias = settings.Boolean("attention_bias", false);
        BlockConfig block = LlamaBlock(settings, sizes, bias, bias, "gelu_pytorch_tanh");
        bool isSliding = IsSliding(settings, sizes, layer, (layer + 1) % 6 != 0 && layer < sizes.Layers - 1);
        int window = settings.Integer("sliding_window", 512, most: 1 << 28), wide = settings.Integer("global_head_dim", 512);
        bool says = settings.Has("rope_parameters");
        RotaryConfig full = says ? RotaryFields.Read(settings, wide, sizes.Length, 1e6, Full)
            : new RotaryConfig(1e6) { Scaling = new ProportionalRopeScaling(0.25) };
        RotaryConfig sliding = says ? RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length, 10000, Sliding) : new RotaryConfig();
        return block with
        {
            Mixer = (AttentionConfig)block.Mixer with
            {
                HeadWidth = isSliding ? sizes.HeadWidth : wide,
                Scale = 1,
                QueryKeyNorm = block.Before,
                ValueNorm = new RmsNormConfig(block.Before!.Epsilon, Gain: false),
                Window = isSliding ? window : null,
                Rotary = isSliding ? sliding : full,
            },
            After = block.Before,
            OutputScale = true,
        };
    }

    protected override DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config)
    {
        config = Gemma2.WithScaleAndCap(settings, sizes, config);
        EmbeddingConfig embedding = config.Stack.Embedding;
        int vocabulary = settings.Integer("vocab_size_per_layer_input", embedding.VocabularySize);
        int width = settings.Integer("hidden_size_per_layer_input", 256, least: 0);
        if (width == 0)
            return config;
        if (vocabulary != embedding.VocabularySize)
            throw settings.Error($"\"vocab_size_per_layer_input\": {vocabulary} rows a block for {embedding.VocabularySize} ids are not supported");
        BlockConfig block = config.Stack.Blocks[0];
        PerBlockEmbeddingConfig own = new(width, block.FeedForward.Activation, block.Before!);
        return config with { Stack = config.Stack with { Embedding = embedding with { PerBlock = own } } };
    }

    protected override bool WriteMore(Utf8JsonWriter json, DecoderConfig config)
    {
        AttentionConfig[] all = [.. config.Stack.Blocks.Select(block => block.Mixer).OfType<AttentionConfig>()];
        if (all is not [var first, ..])
            return false;
        AttentionConfig? wide = all.FirstOrDefault(one => one.Window is null), narrow = all.FirstOrDefault(one => one.Window is not null);
        json.WriteBoolean("attention_bias", first.InputBias);
        json.WriteBoolean("attention_k_eq_v", false);
        json.WriteBoolean("enable_moe_block", false);
        json.WriteNumber("num_kv_shared_layers", 0);
        json.WriteNumber("global_head_dim", (wide ?? first).HeadWidth);
        json.WriteNumber("sliding_window", narrow?.Window ?? 512);
        json.WriteNumber("hidden_size_per_layer_input", config.Stack.Embedding.PerBlock?.Width ?? 0);
        json.WriteNumber("vocab_size_per_layer_input", config.VocabularySize);
        if (config.Head.Cap == 0)
            json.WriteNull("final_logit_softcapping");
        else
            WriteFloat(json, "final_logit_softcapping", config.Head.Cap);
        WriteLayerTypes(json, config);
        json.WriteStartObject("rope_parameters");
        foreach ((string kind, RotaryConfig rotary) in ((string, RotaryConfig)[])[(Full, wide?.Rotary ?? new RotaryConfig(1e6)),
            (Sliding, narrow?.Rotary ?? new RotaryConfig())])
        {
            json.WriteStartObject(kind);
            RotaryFields.WriteInside(json, rotary, 1);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        return true;
    }

    protected override IEnumerable<WeightName> FurtherNames(DecoderConfig config)
    {
        int d = config.Width;
        for (int i = 0; i < config.Layers; i++)
            yield return WeightName.Whole($"model.layers.{i}.layer_scalar", $"blocks.{i}.output_scale", 1);
        if (config.Stack.Embedding.PerBlock is not { } own)
            yield break;
        yield return WeightName.Whole("model.embed_tokens_per_layer.weight", "block_embedding.weight", config.VocabularySize);
        yield return WeightName.Whole("model.per_layer_model_projection.weight", "block_projection.weight", config.Layers * own.Width);
        yield return WeightName.Whole("model.per_layer_projection_norm.weight", "block_embedding_norm.weight", own.Width);
        for (int i = 0; i < config.Layers; i++)
        {
            string theirs = $"model.layers.{i}", ours = $"blocks.{i}.per_block";
            yield return WeightName.Whole($"{theirs}.per_layer_input_gate.weight", $"{ours}.gate.weight", own.Width);
            yield return WeightName.Whole($"{theirs}.per_layer_projection.weight", $"{ours}.projection.weight", d);
            yield return WeightName.Whole($"{theirs}.post_per_layer_input_norm.weight", $"{ours}.norm.weight", d);
        }
    }
}
