using System.Globalization;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Files;

/// <summary>A family of checkpoints: how its <c>config.json</c> and the names of its weights map to a decoder.</summary>
public abstract class Family
{
    private static readonly Family[] All = [new Gpt2(), new Llama()];

    /// <summary>The name of a head of its own in every family's files.</summary>
    internal const string HeadName = "lm_head.weight";

    /// <summary>The <c>model_type</c> of its config, and <see cref="DecoderConfig.Family"/>.</summary>
    public abstract string Name { get; }

    /// <summary>The class that opens it in Hugging Face's transformers.</summary>
    protected abstract string Architecture { get; }

    /// <summary>The start of the names of all weights but the head's; checkpoints of the bare model leave it out.</summary>
    protected abstract string Prefix { get; }

    /// <summary>How the names of constants end that older checkpoints store beside the weights.</summary>
    protected abstract IReadOnlyList<string> IgnoredEndings { get; }

    /// <summary>Every tensor of a checkpoint and its place in the parameters.</summary>
    public abstract IEnumerable<WeightName> Weights(DecoderConfig config);

    /// <summary>The family of a <c>model_type</c>, or null.</summary>
    public static Family? Find(string name) => Array.Find(All, family => family.Name == name);

    /// <summary>The names of all families.</summary>
    public static string Names => string.Join(", ", All.Select(family => family.Name));

    internal abstract DecoderConfig ReadConfig(JsonSettings settings);

    /// <summary>Whether a tensor of a checkpoint is no weight: a constant of older files, or the second copy of a tied head.</summary>
    internal bool Ignores(string name, DecoderConfig config) =>
        (config.TiedHead && name == HeadName) || IgnoredEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>A name without the prefix that a checkpoint may have or not.</summary>
    internal string Bare(string name) => name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;

    internal void Write(Utf8JsonWriter json, DecoderConfig config)
    {
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(Architecture);
        json.WriteEndArray();
        json.WriteString("model_type", Name);
        WriteConfig(json, config);
        json.WriteNumber("vocab_size", config.VocabularySize);
        json.WriteBoolean("tie_word_embeddings", config.TiedHead);
        WriteIds(json, config);
        WriteFloat(json, "initializer_range", 0.02f);
        json.WriteBoolean("use_cache", true);
        json.WriteString("torch_dtype", "float32");
        json.WriteEndObject();
    }

    internal static void WriteIds(Utf8JsonWriter json, DecoderConfig config)
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

    /// <summary>Writes the fields that only this family has; throws when the config is none of this family.</summary>
    protected abstract void WriteConfig(Utf8JsonWriter json, DecoderConfig config);

    /// <summary>Writes a number so that readers who ask for a decimal fraction get one: 10000.0, not 10000.</summary>
    protected static void WriteFloat(Utf8JsonWriter json, string name, float value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        json.WritePropertyName(name);
        json.WriteRawValue(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0");
    }

    /// <summary>The begin or end id; an id outside the vocabulary can never appear, so it counts as none.</summary>
    private protected static int? SpecialId(JsonSettings settings, string name, int fallback, int vocabulary) =>
        settings.Id(name, fallback) is { } id && id < vocabulary ? id : null;

    /// <summary>The end ids of a list after its first.</summary>
    private protected static IReadOnlyList<int> FurtherIds(JsonSettings settings, int vocabulary)
    {
        int[] further = [.. settings.Ids("eos_token_id").Skip(1).Where(id => id < vocabulary)];
        return further.Length == 0 ? [] : further;
    }

    /// <summary>The whole of a parameter as one tensor.</summary>
    private protected static WeightName Whole(string name, string parameter, int rows, bool transposed = false) =>
        new(name, parameter, 0, rows, transposed);
}
