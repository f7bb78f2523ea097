using System.Globalization;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>A family of checkpoints: how its <c>config.json</c> and the names of its weights map to a model, both ways.</summary>
internal abstract class Family : IWeightNames
{
    // What is written as the first that can say a config: the most widely read come first.
    private static readonly Family[] All = [new Gpt2(), new Llama(), new Mistral(), new Qwen2(), new Qwen3(), new Mixtral(), new Qwen3Moe(), new Gemma3(),
        new Phi3(), new GptNeoX(), new DeepSeekV3(), new Bert(), new T5(), new Bart(), new Roberta(), new DistilBert(), new ModernBert(),
        new Bloom(), new Gemma2(), new Granite(), new NanoChat(), new Olmo2(), new Qwen2Moe(), new SmolLM3(),
        new Cohere2(), new DeepSeekV2(), new Ernie45(), new Falcon(), new Glm4(), new Glm4Moe(), new Olmo3(), new Olmoe(), new Opt(), new Phi(), new SeedOss(),
        new StableLm(), new Starcoder2(), new Lfm2(), new Qwen3Next(), new Qwen35(), new GptOss(), new Gemma4(),
        new Own()];

    // Fields that change nothing of what a model computes; besides them, names that end in _token_id.
    private static readonly HashSet<string> Harmless =
    [
        "architectures", "model_type", "transformers_version", "_name_or_path", "name_or_path", "torch_dtype", "dtype", "use_cache",
        "initializer_range", "initializer_factor", "init_std", "pretraining_tp", "id2label", "label2id", "num_labels", "problem_type",
        "attention_dropout", "attn_pdrop", "embd_pdrop", "resid_pdrop", "dropout_rate", "dropout", "hidden_dropout", "hidden_dropout_prob",
        "attention_probs_dropout_prob", "classifier_dropout", "classifier_dropout_prob", "activation_dropout", "residual_dropout",
        "embedding_dropout", "encoder_layerdrop", "decoder_layerdrop", "output_router_logits", "router_aux_loss_coef", "router_jitter_noise",
        "task_specific_params", "auto_map", "tokenizer_class", "gradient_checkpointing", "_attn_implementation", "attn_implementation",
        "output_attentions", "output_hidden_states", "return_dict", "summary_type", "summary_use_proj", "summary_activation",
        "summary_proj_to_labels", "summary_first_dropout", "n_ctx", "unsloth_version", "unsloth_fixed", "max_window_layers", "classif_dropout",
        "finetuning_task", "prefix", "cache_implementation", "temperature", "top_p", "top_k", "do_sample",
    ];

    /// <summary>More blocks than any model has; what promises more is no model.</summary>
    protected const int MostLayers = 1 << 12;

    /// <summary>The <c>model_type</c> of its config.</summary>
    public abstract string Name { get; }

    /// <summary>The class that opens such a model in Hugging Face's transformers.</summary>
    protected abstract string ArchitectureOf(ModelConfig config);

    /// <summary>The start of the names of all weights but the head's; checkpoints of the bare model leave it out.</summary>
    protected abstract string Prefix { get; }

    /// <summary>How the names of constants end that older checkpoints store beside the weights.</summary>
    protected virtual IReadOnlyList<string> IgnoredEndings => ["rotary_emb.inv_freq"];

    /// <summary>Further names of the head or of a second copy of the embedding, which a tied model has no parameter for.</summary>
    public virtual IReadOnlyList<string> TiedNames => ["lm_head.weight"];

    /// <summary>Whether its config holds the dropout.</summary>
    protected virtual bool SaysDropout => false;

    /// <summary>The config of a model whose file holds other parts than its config says.</summary>
    public virtual ModelConfig Adapt(ModelConfig config, TensorFile file) => config;

    /// <summary>The family as one file needs it, where the file says what belongs to its tensors and not to the model.</summary>
    public virtual Family For(JsonSettings settings) => this;

    /// <summary>The GGUF architecture that models of the family are, or null: its names and values beside those of Hugging Face.</summary>
    public virtual GgufMap? Gguf => null;

    /// <summary>Every tensor of a checkpoint and its place in the parameters.</summary>
    public abstract IEnumerable<WeightName> Weights(ModelConfig config);

    /// <summary>The family of a <c>model_type</c>, or null.</summary>
    public static Family? Find(string name) => Array.Find(All, family => family.Name == name);

    /// <summary>The families that have a GGUF architecture, with the most widely read first.</summary>
    public static IEnumerable<Family> WithGguf => All.Where(family => family.Gguf is not null);

    /// <summary>The names of all families.</summary>
    public static string Names => string.Join(", ", All.Select(family => family.Name).Order(StringComparer.Ordinal));

    /// <summary>The first family whose files can say a config: what it writes is read back as the same.</summary>
    /// <param name="config">The config.</param>
    /// <param name="preferred">The family to take where it can, or null.</param>
    public static Family Of(ModelConfig config, string? preferred = null)
    {
        Family? own = preferred is null ? null : Find(preferred) ?? throw new ArgumentException($"model: the origin '{preferred}' is none of {Names}");
        return (own is not null && own.CanSay(config) ? own : Array.Find(All, family => family.CanSay(config)))
            ?? throw new ArgumentException($"model: none of the families {Names} can say this config of "
                + $"{config.AllBlocks.Count()} blocks: one of its choices has no field in any of their files");
    }

    /// <summary>Reads a config; fields that it does not know are refused.</summary>
    public ModelConfig Read(JsonSettings settings)
    {
        ModelConfig config = ReadConfig(settings);
        settings.RefuseUnread(name => Harmless.Contains(name) || name.EndsWith("_token_id", StringComparison.Ordinal));
        return config;
    }

    /// <summary>Reads the fields of a config; it asks for every field that changes what the model computes.</summary>
    protected abstract ModelConfig ReadConfig(JsonSettings settings);

    /// <summary>Writes the fields that only this family has; false when the config is plainly of another one.</summary>
    protected abstract bool WriteConfig(Utf8JsonWriter json, ModelConfig config);

    /// <summary>Whether a tensor of a checkpoint is no weight: a constant of older files, the second copy of a tied head, what only trains.</summary>
    public virtual bool Ignores(string name, ModelConfig config) =>
        (IsTied(config) && TiedNames.Contains(name)) || IgnoredEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>A name without the prefix that a checkpoint may have or not.</summary>
    public string Bare(string name) => Prefix.Length > 0 && name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;

    /// <summary>Writes a config; false when this family cannot say it.</summary>
    public virtual bool Write(Utf8JsonWriter json, ModelConfig config)
    {
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(ArchitectureOf(config));
        json.WriteEndArray();
        json.WriteString("model_type", Name);
        if (!WriteConfig(json, config))
            return false;
        json.WriteNumber("vocab_size", config.VocabularySize);
        json.WriteBoolean("tie_word_embeddings", IsTied(config));
        WriteIds(json, config);
        WriteFloat(json, "initializer_range", 0.02);
        json.WriteBoolean("use_cache", true);
        json.WriteString("torch_dtype", "float32");
        json.WriteEndObject();
        return true;
    }

    /// <summary>Writes the ids that begin and end a text.</summary>
    public static void WriteIds(Utf8JsonWriter json, ModelConfig config)
    {
        Write("bos_token_id", config.BeginId is { } begin ? [begin] : []);
        Write("eos_token_id", config.EndIds);

        void Write(string name, IReadOnlyList<int> ids)
        {
            json.WritePropertyName(name);
            if (ids.Count == 0)
                json.WriteNullValue();
            else if (ids.Count == 1)
                json.WriteNumberValue(ids[0]);
            else
            {
                json.WriteStartArray();
                foreach (int id in ids)
                    json.WriteNumberValue(id);
                json.WriteEndArray();
            }
        }
    }

    /// <summary>Writes a number so that readers who ask for a decimal fraction get one: 10000.0, not 10000.</summary>
    protected static void WriteFloat(Utf8JsonWriter json, string name, double value) =>
        WriteFraction(json, name, value.ToString("R", CultureInfo.InvariantCulture));

    /// <summary>The same of a single-precision number, in its shortest form.</summary>
    protected static void WriteFloat(Utf8JsonWriter json, string name, float value) =>
        WriteFraction(json, name, value.ToString("R", CultureInfo.InvariantCulture));

    /// <summary>Sets what every config has of a text's ends; an id outside the vocabulary can never appear, so it counts as none.</summary>
    protected static T WithIds<T>(JsonSettings settings, T config, int? begin, int? end) where T : ModelConfig
    {
        int vocabulary = config.VocabularySize;
        return config with
        {
            BeginId = settings.Id("bos_token_id", begin) is { } first && first < vocabulary ? first : null,
            EndId = settings.Id("eos_token_id", end) is { } last && last < vocabulary ? last : null,
            FurtherEndIds = [.. settings.Ids("eos_token_id").Skip(1).Where(id => id < vocabulary)],
        };
    }

    /// <summary>Whether the head is the embedding's matrix.</summary>
    internal static bool IsTied(ModelConfig config) => config switch
    {
        DecoderConfig decoder => decoder.Head.Tied,
        EncoderConfig encoder => encoder.Head?.Tied ?? false,
        EncoderDecoderConfig both => both.Head.Tied,
        _ => false,
    };

    private static void WriteFraction(Utf8JsonWriter json, string name, string text)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0");
    }

    private bool CanSay(ModelConfig config)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            if (!Write(json, config))
                return false;
        }
        try
        {
            ModelConfig read = Read(JsonSettings.Parse(stream.ToArray(), "config"));
            return (SaysDropout ? read : read with { Dropout = config.Dropout }) == config;
        }
        catch (InvalidDataException)
        {
            // What this family refuses to read it cannot say.
            return false;
        }
    }
}
