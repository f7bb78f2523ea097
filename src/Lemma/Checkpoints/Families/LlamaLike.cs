using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>The families whose configs and names are those of Llama with changes: each file says its changes.</summary>
internal abstract class LlamaLike : Family
{
    /// <summary>The sizes that all of these configs have.</summary>
    internal readonly record struct Sizes(int Width, int Layers, int Heads, int KeyValueHeads, int HeadWidth, int Hidden, int Length);

    /// <inheritdoc/>
    protected override string Prefix => "model.";

    /// <summary>The field of the activation.</summary>
    protected virtual string ActivationField => "hidden_act";

    /// <summary>Whether the head is the embedding where the config does not say.</summary>
    protected virtual bool TiesByDefault => false;

    /// <summary>One block of a config.</summary>
    protected abstract BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer);

    /// <summary>Changes what is not in blocks.</summary>
    protected virtual DecoderConfig Finish(JsonSettings settings, in Sizes sizes, DecoderConfig config) => config;

    /// <summary>Writes the fields that only this family has; false when the config is plainly of another one.</summary>
    protected virtual bool WriteMore(Utf8JsonWriter json, DecoderConfig config) => true;

    /// <summary>The tensors of a feed-forward layer.</summary>
    protected virtual IEnumerable<WeightName> FeedForwardNames(FeedForwardConfig config, string theirs, string ours, int width) =>
        Gated($"{theirs}.mlp", ours, width, config);

    /// <summary>The tensors of a block's mixer.</summary>
    protected virtual IEnumerable<WeightName> MixerNames(MixerConfig mixer, string theirs, string ours, int width)
    {
        AttentionConfig attention = (AttentionConfig)mixer;
        int queries = attention.Heads * attention.HeadWidth, keys = attention.KeyValueHeads * attention.HeadWidth;
        foreach ((string name, int first, int rows) in ((string, int, int)[])[("q_proj", 0, queries), ("k_proj", queries, keys), ("v_proj",
            queries + keys, keys)])
        {
            foreach (WeightName weight in WeightName.Linear($"{theirs}.self_attn.{name}", $"{ours}.qkv", rows, attention.InputBias, first))
                yield return weight;
        }
        foreach (WeightName weight in WeightName.Linear($"{theirs}.self_attn.o_proj", $"{ours}.output", width, attention.OutputBias))
            yield return weight;
        if (attention.QueryKeyNorm is not { HasGain: true })
            yield break;
        yield return WeightName.Whole($"{theirs}.self_attn.q_norm.weight", $"{ours}.query_norm.weight", attention.NormsWholeRows ? queries
            : attention.HeadWidth);
        yield return WeightName.Whole($"{theirs}.self_attn.k_norm.weight", $"{ours}.key_norm.weight", attention.NormsWholeRows ? keys : attention.HeadWidth);
    }

    /// <summary>What the norms of a block are called: before attention, after it, before the feed-forward, after it.</summary>
    protected virtual (string Before, string After, string FeedForwardBefore, string FeedForwardAfter) NormNames(BlockConfig block) =>
        block.After is null ? ("input_layernorm", "", "post_attention_layernorm", "")
            : ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm");

    /// <inheritdoc/>
    public sealed override IEnumerable<WeightName> Weights(ModelConfig config)
    {
        DecoderConfig decoder = (DecoderConfig)config;
        int d = decoder.Width;
        yield return WeightName.Whole("model.embed_tokens.weight", "embedding.weight", decoder.VocabularySize);
        for (int i = 0; i < decoder.Layers; i++)
        {
            BlockConfig block = decoder.Stack.Blocks[i];
            string theirs = $"model.layers.{i}", ours = $"blocks.{i}";
            (string before, string after, string feedForwardBefore, string feedForwardAfter) = NormNames(block);
            (string, string, NormConfig?)[] norms = [(before, "attention_norm", block.Before), (after, "attention_after_norm", block.After),
                (feedForwardBefore, "feed_forward_norm", block.Order == BranchOrder.ParallelOneNorm ? null : block.Before),
                (feedForwardAfter, "feed_forward_after_norm", block.After)];
            foreach ((string name, string parameter, NormConfig? norm) in norms)
            {
                foreach (WeightName weight in norm is null ? [] : WeightName.Norm($"{theirs}.{name}", $"{ours}.{parameter}", d, norm))
                    yield return weight;
            }
            foreach (WeightName weight in MixerNames(block.Mixer, theirs, $"{ours}.attention", d))
                yield return weight;
            foreach (WeightName weight in FeedForwardNames(block.FeedForward, theirs, $"{ours}.feed_forward", d))
                yield return weight;
        }
        foreach (WeightName weight in WeightName.Norm(LastNorm, "norm", d, decoder.Stack.Norm!))
            yield return weight;
        if (!decoder.Head.Tied)
            yield return WeightName.Whole("lm_head.weight", "head.weight", decoder.VocabularySize);
        if (decoder.Head.Bias)
            yield return WeightName.Whole("lm_head.bias", "head.bias", decoder.VocabularySize);
        foreach (WeightName weight in FurtherNames(decoder))
            yield return weight;
    }

    /// <summary>The name of the norm after the last block.</summary>
    protected virtual string LastNorm => "model.norm";

    /// <summary>The tensors of a gated layer.</summary>
    protected static IEnumerable<WeightName> Gated(string theirs, string ours, int width, FeedForwardConfig config) =>
    [
        .. WeightName.Linear($"{theirs}.gate_proj", $"{ours}.gate_up", config.HiddenWidth, config.Bias),
        .. WeightName.Linear($"{theirs}.up_proj", $"{ours}.gate_up", config.HiddenWidth, config.Bias, config.HiddenWidth),
        .. WeightName.Linear($"{theirs}.down_proj", $"{ours}.down", width, config.Bias),
    ];

    /// <summary>The tensors of a gated layer whose gate and up are one.</summary>
    protected static IEnumerable<WeightName> GateAndUpInOne(string theirs, string ours, int width, FeedForwardConfig config) =>
    [
        WeightName.Whole($"{theirs}.mlp.gate_up_proj.weight", $"{ours}.gate_up.weight", 2 * config.HiddenWidth),
        WeightName.Whole($"{theirs}.mlp.down_proj.weight", $"{ours}.down.weight", width),
    ];

    /// <summary>The tensors of a plain layer.</summary>
    protected static IEnumerable<WeightName> Plain(string theirs, string ours, int width, FeedForwardConfig config, string up, string down) =>
    [
        .. WeightName.Linear($"{theirs}.mlp.{up}", $"{ours}.up", config.HiddenWidth, config.Bias),
        .. WeightName.Linear($"{theirs}.mlp.{down}", $"{ours}.down", width, config.Bias),
    ];

    /// <summary>The tensors of experts that stand one by one.</summary>
    protected static IEnumerable<WeightName> Experts(string theirs, string ours, int width, ExpertsFeedForward config, string gate, string up, string down)
    {
        int hidden = config.HiddenWidth, count = config.Routing.Experts;
        yield return WeightName.Whole($"{theirs}.gate.weight", $"{ours}.router.weight", count);
        for (int expert = 0; expert < count; expert++)
        {
            (int, int) inner = (count, 2 * hidden), outer = (count, width);
            yield return new($"{theirs}.experts.{expert}.{gate}.weight", $"{ours}.experts.gate_up.weight", 2 * expert * hidden, hidden) { Siblings = inner };
            yield return new($"{theirs}.experts.{expert}.{up}.weight", $"{ours}.experts.gate_up.weight", (2 * expert + 1) * hidden, hidden) { Siblings = inner };
            yield return new($"{theirs}.experts.{expert}.{down}.weight", $"{ours}.experts.down.weight", expert * width, width) { Siblings = outer };
        }
    }

    /// <summary>The tensors of experts that stand one by one, and of a shared one behind a gate.</summary>
    protected static IEnumerable<WeightName> ExpertsWithGatedShared(string theirs, string ours, int width, ExpertsFeedForward config, GatedFeedForward shared) =>
        Experts($"{theirs}.mlp", ours, width, config, "gate_proj", "up_proj", "down_proj")
            .Concat(Gated($"{theirs}.mlp.shared_expert", $"{ours}.shared", width, shared))
            .Append(WeightName.Whole($"{theirs}.mlp.shared_expert_gate.weight", $"{ours}.shared_gate.weight", 1));

    /// <summary>The GGUF architecture of a family of this kind.</summary>
    /// <param name="architecture">Its name.</param>
    /// <param name="more">The values that only this family has.</param>
    /// <param name="layerNorm">The field of ε where norms are LayerNorms; null for RMS norms.</param>
    protected static GgufMap LlamaGguf(string architecture, Action<GgufFields>? more = null, string? layerNorm = null) => new(architecture, GgufLlama.Names,
        fields =>
    {
        GgufLlama.Describe(fields, layerNorm);
        more?.Invoke(fields);
    });

    /// <inheritdoc/>
    protected sealed override ModelConfig ReadConfig(JsonSettings settings)
    {
        int width = settings.Integer("hidden_size", 4096), heads = settings.Integer("num_attention_heads", 32);
        if (!settings.Has("head_dim") && width % heads != 0)
            throw settings.Error($"attention: {heads} heads do not divide d_model {width}");
        int keyHeads = settings.Integer("num_key_value_heads", heads), headWidth = settings.Integer("head_dim", Math.Max(1, width / heads));
        if ((long)headWidth * (heads + 2L * keyHeads) > 1 << 26)
            throw settings.Error($"attention: {heads} heads of width {headWidth} are more than a model can have");
        Sizes sizes = new(width, settings.Integer("num_hidden_layers", 32, most: MostLayers), heads, keyHeads, headWidth,
            settings.Integer("intermediate_size", 11008),
            settings.Integer("max_position_embeddings", 2048, most: 1 << 28));
        List<BlockConfig> blocks = [];
        for (int layer = 0; layer < sizes.Layers; layer++)
        {
            BlockConfig block = ReadBlock(settings, sizes, layer);
            // Equal blocks are one: a config may promise millions.
            blocks.Add(blocks.Count > 0 && block == blocks[^1] ? blocks[^1] : block);
        }
        DecoderConfig config = new()
        {
            MaximumLength = sizes.Length,
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = settings.Integer("vocab_size", 32000), Width = width },
                Blocks = new(blocks),
                Norm = blocks[0].Before ?? blocks[0].After,
            },
            Head = new HeadConfig(settings.Boolean("tie_word_embeddings", TiesByDefault)),
        };
        return WithIds(settings, Finish(settings, sizes, config), 1, 2);
    }

    /// <inheritdoc/>
    protected sealed override bool WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        if (config is not DecoderConfig decoder || decoder.Stack.Blocks is not [var block, ..] || (block.Before ?? block.After) is not { } norm)
            return false;
        json.WriteNumber("hidden_size", decoder.Width);
        json.WriteNumber("num_hidden_layers", decoder.Layers);
        json.WriteNumber("max_position_embeddings", decoder.MaximumLength);
        json.WriteString(ActivationField, ActivationNames.Of(block.FeedForward.Activation));
        FeedForwardConfig? dense = decoder.Stack.Blocks.Select(each => each.FeedForward).FirstOrDefault(each => each is not ExpertsFeedForward);
        json.WriteNumber("intermediate_size", (dense ?? block.FeedForward).HiddenWidth);
        WriteFloat(json, EpsilonField, norm.Epsilon);
        if (Attention(decoder) is { } attention)
        {
            json.WriteNumber("num_attention_heads", attention.Heads);
            json.WriteNumber("num_key_value_heads", attention.KeyValueHeads);
            json.WriteNumber("head_dim", attention.HeadWidth);
            if (WritesRotary && attention.Rotary is { } rotary)
                RotaryFields.Write(json, rotary, attention.HeadWidth);
        }
        return WriteMore(json, decoder);
    }

    /// <summary>The attention whose sizes stand in the config: the first of the blocks; null where none has one.</summary>
    protected virtual AttentionConfig? Attention(DecoderConfig config) =>
        config.Stack.Blocks.Select(block => block.Mixer).OfType<AttentionConfig>().FirstOrDefault();

    /// <summary>The tensors that only this family has.</summary>
    protected virtual IEnumerable<WeightName> FurtherNames(DecoderConfig config) => [];

    /// <summary>The field of the norms' epsilon.</summary>
    protected virtual string EpsilonField => "rms_norm_eps";

    /// <summary>Whether rotary positions are the same in all blocks and written here.</summary>
    protected virtual bool WritesRotary => true;

    /// <summary>A block of Llama's shape; the start of the others.</summary>
    protected BlockConfig LlamaBlock(JsonSettings settings, in Sizes sizes, bool inputBias = false, bool outputBias = false, string activation = "silu")
    {
        RmsNormConfig norm = new(settings.Single(EpsilonField, 1e-6));
        return new BlockConfig
        {
            Mixer = new AttentionConfig
            {
                Heads = sizes.Heads,
                KeyValueHeads = sizes.KeyValueHeads,
                HeadWidth = sizes.HeadWidth,
                Rotary = WritesRotary ? RotaryFields.Read(settings, sizes.HeadWidth, sizes.Length) : null,
                InputBias = inputBias,
                OutputBias = outputBias,
            },
            FeedForward = new GatedFeedForward(sizes.Hidden, ActivationNames.Read(settings, ActivationField, activation)),
            Before = norm,
        };
    }

    /// <summary>Refuses heads that are wider or narrower than a head's part of a row, where the family knows no others.</summary>
    protected static void RequireHeadsOfWidth(JsonSettings settings, in Sizes sizes)
    {
        if (sizes.Heads * (long)sizes.HeadWidth != sizes.Width)
            throw settings.Error($"attention: {sizes.Heads} heads of width {sizes.HeadWidth} are not the {sizes.Width} columns of a row");
    }

    /// <summary>Whether a layer has a window, by <c>layer_types</c> or by a pattern where the config has none.</summary>
    internal static bool IsSliding(JsonSettings settings, in Sizes sizes, int layer, bool otherwise)
    {
        string[] types = settings.Texts("layer_types");
        if (types.Length == 0)
            return otherwise;
        if (types.Length != sizes.Layers)
            throw settings.Error($"\"layer_types\" has {types.Length} entries for {sizes.Layers} layers");
        return types[layer] switch
        {
            "sliding_attention" => true,
            "full_attention" => false,
            string other => throw settings.Error($"\"layer_types\": '{other}' is not supported; supported are full_attention, sliding_attention"),
        };
    }

    /// <summary>Writes <c>layer_types</c> by the windows of the blocks.</summary>
    internal static void WriteLayerTypes(Utf8JsonWriter json, DecoderConfig config)
    {
        json.WriteStartArray("layer_types");
        foreach (BlockConfig block in config.Stack.Blocks)
            json.WriteStringValue(block.Mixer is AttentionConfig { Window: not null } ? "sliding_attention" : "full_attention");
        json.WriteEndArray();
    }

    /// <summary>Whether a layer of a model with experts has none, by <c>mlp_only_layers</c> and <c>decoder_sparse_step</c>.</summary>
    protected static bool IsDense(JsonSettings settings, int layer) =>
        settings.Ids("mlp_only_layers").Contains(layer) || (layer + 1) % settings.Integer("decoder_sparse_step", 1) != 0;

    /// <summary>Writes the layers without experts.</summary>
    protected static void WriteDenseLayers(Utf8JsonWriter json, DecoderConfig config)
    {
        json.WriteNumber("decoder_sparse_step", 1);
        json.WriteStartArray("mlp_only_layers");
        for (int layer = 0; layer < config.Layers; layer++)
        {
            if (config.Stack.Blocks[layer].FeedForward is not ExpertsFeedForward)
                json.WriteNumberValue(layer);
        }
        json.WriteEndArray();
    }

    /// <summary>The block of a layer with experts and a shared one behind a gate, as the config says; or as it is, where the layer has none.</summary>
    /// <param name="settings">The config.</param>
    /// <param name="layer">The number of the layer.</param>
    /// <param name="block">The block with a dense layer.</param>
    /// <param name="fallback">What counts where the config does not say, the shared one's width included.</param>
    protected static BlockConfig WithGatedShared(JsonSettings settings, int layer, BlockConfig block, ExpertsFeedForward fallback)
    {
        ExpertRouting routing = new()
        {
            Experts = settings.Integer("num_experts", fallback.Routing.Experts),
            Chosen = settings.Integer("num_experts_per_tok", fallback.Routing.Chosen),
            NormalizesChosen = settings.Boolean("norm_topk_prob", fallback.Routing.NormalizesChosen),
        };
        ExpertsFeedForward sparse = new(settings.Integer("moe_intermediate_size", fallback.HiddenWidth), routing, block.FeedForward.Activation)
        {
            Shared = new GatedFeedForward(settings.Integer("shared_expert_intermediate_size", fallback.Shared!.HiddenWidth), block.FeedForward.Activation),
            SharedGate = true,
            BalanceWeight = ReadBalance(settings),
        };
        return IsDense(settings, layer) ? block : block with { FeedForward = sparse };
    }

    /// <summary>Writes the same; false where there are no such experts.</summary>
    protected static bool WriteGatedShared(Utf8JsonWriter json, DecoderConfig config)
    {
        if (config.Experts.FirstOrDefault() is not { Shared: { } shared } sparse)
            return false;
        json.WriteNumber("num_experts", sparse.Routing.Experts);
        json.WriteNumber("num_experts_per_tok", sparse.Routing.Chosen);
        json.WriteNumber("moe_intermediate_size", sparse.HiddenWidth);
        json.WriteNumber("shared_expert_intermediate_size", shared.HiddenWidth);
        json.WriteBoolean("norm_topk_prob", sparse.Routing.NormalizesChosen);
        WriteBalance(json, sparse);
        WriteDenseLayers(json, config);
        return true;
    }

    /// <summary>α of the balance loss, which training adds where <c>output_router_logits</c> is true.</summary>
    protected static float ReadBalance(JsonSettings settings, double fallback = 0.001)
    {
        if (!settings.Boolean("output_router_logits", false))
            return 0;
        double weight = settings.Number("router_aux_loss_coef", fallback);
        return weight >= 0 ? (float)weight : throw settings.Error($"\"router_aux_loss_coef\" must not be negative, but it is {weight}");
    }

    /// <summary>Writes α of the balance loss.</summary>
    protected static void WriteBalance(Utf8JsonWriter json, ExpertsFeedForward sparse)
    {
        json.WriteBoolean("output_router_logits", sparse.BalanceWeight > 0);
        if (sparse.BalanceWeight > 0)
            WriteFloat(json, "router_aux_loss_coef", sparse.BalanceWeight);
    }

    /// <summary>The window of any block, or null.</summary>
    internal static int? WindowOf(DecoderConfig config) =>
        config.Stack.Blocks.Select(block => (block.Mixer as AttentionConfig)?.Window).FirstOrDefault(window => window is not null);

    /// <summary>Writes a window, or null for none.</summary>
    internal static void WriteWindow(Utf8JsonWriter json, int? window)
    {
        if (window is { } width)
            json.WriteNumber("sliding_window", width);
        else
            json.WriteNull("sliding_window");
    }
}
