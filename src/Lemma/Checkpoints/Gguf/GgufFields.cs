using System.Text.Json;

namespace Lemma.Checkpoints;

/// <summary>The values of a GGUF architecture and the fields of a family's <c>config.json</c>, one made of the other by one description.</summary>
internal sealed class GgufFields
{
    // Values that say nothing of what is computed, or what tensors say as well.
    private static readonly HashSet<string> Harmless =
    [
        "vocab_size", "attention.value_length", "rope.scaling.finetuned", "tensor_data_layout", "pooling_type", "attention.causal", "nextn_predict_layers",
        "classifier.output_labels", "rope.dimension_sections", "attention.max_alibi_bias",
    ];

    private readonly GgufFacts? facts;
    private readonly Utf8JsonWriter? json;
    private readonly JsonElement config;
    private readonly List<KeyValuePair<string, object>> values = [];
    private readonly Dictionary<string, float[]> tensors = new(StringComparer.Ordinal);
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);
    private readonly string architecture;

    private GgufFields(string architecture, GgufFacts? facts, Utf8JsonWriter? json, JsonElement config) =>
        (this.architecture, this.facts, this.json, this.config) = (architecture, facts, json, config);

    /// <summary>What the file says, when it is read; null when it is written.</summary>
    public GgufFacts? Facts => facts;

    /// <summary>The object of fields that is filled, when a file is read.</summary>
    public Utf8JsonWriter Json => json!;

    /// <summary>The fields, when a file is written.</summary>
    public JsonElement Config => config;

    /// <summary>The fields that a file's values say; a value that nobody asks for is refused, since it may change what the others mean.</summary>
    public static byte[] ToJson(GgufMap map, GgufFacts facts)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            GgufFields fields = new(map.Architecture, facts, json, default);
            map.Describe(fields);
            json.WriteEndObject();
            string start = map.Architecture + ".";
            foreach (string name in facts.Values.Keys.Where(name => name.StartsWith(start, StringComparison.Ordinal)))
            {
                string key = name[start.Length..];
                if (!fields.asked.Contains(key) && !Harmless.Contains(key) && !map.Harmless.Contains(key) && facts.Values[name] is not (false or 0u))
                    throw facts.Error($"the value {name} is not known, so what the model computes is not known either");
            }
        }
        return stream.ToArray();
    }

    /// <summary>The values that fields say, and further small tensors.</summary>
    public static (List<KeyValuePair<string, object>> Values, Dictionary<string, float[]> Tensors) ToValues(GgufMap map, JsonElement config)
    {
        GgufFields fields = new(map.Architecture, null, null, config);
        map.Describe(fields);
        return (fields.values, fields.tensors);
    }

    /// <summary>A whole number.</summary>
    public void Whole(string key, string field, bool isOptional = false)
    {
        asked.Add(key);
        if (facts is null)
        {
            if (Find(field) is { } element)
                Write(key, element.GetUInt32());
        }
        else if (facts.Whole(key) is { } number)
            Json.WriteNumber(field, number);
        else if (!isOptional)
            throw Missing(key);
    }

    /// <summary>A number of single precision.</summary>
    public void Number(string key, string field, bool isOptional = false)
    {
        asked.Add(key);
        if (facts is null)
        {
            if (Find(field) is { } element)
                Write(key, (float)element.GetDouble());
        }
        else if (facts.Number(key) is { } number)
            WriteNumber(field, number);
        else if (!isOptional)
            throw Missing(key);
    }

    /// <summary>True or false, which may be missing.</summary>
    public void Flag(string key, string field)
    {
        asked.Add(key);
        if (facts is null)
        {
            if (Find(field) is { } element)
                Write(key, element.GetBoolean());
        }
        else if (facts.Flag(key) is { } flag)
            Json.WriteBoolean(field, flag);
    }

    /// <summary>A field that a tensor's being there says.</summary>
    public void Presence(string field, string tensor)
    {
        if (facts is not null)
            Json.WriteBoolean(field, facts.Has(tensor));
    }

    /// <summary>A field that is the same in every file of the architecture.</summary>
    public void Always(string field, bool value)
    {
        if (facts is not null)
            Json.WriteBoolean(field, value);
    }

    /// <summary>A text that is the same in every file of the architecture.</summary>
    public void Always(string field, string value)
    {
        if (facts is not null)
            Json.WriteString(field, value);
    }

    /// <summary>A whole number that the file says otherwise, when it is read.</summary>
    public void Computed(string field, Func<GgufFacts, long?> compute)
    {
        if (facts is not null && compute(facts) is { } number)
            Json.WriteNumber(field, number);
    }

    /// <summary>A value that is the same in every file, or that others say, when it is written.</summary>
    public void Write(string key, object value)
    {
        asked.Add(key);
        if (facts is null)
            values.Add(new($"{architecture}.{key}", value));
    }

    /// <summary>A value of the tokenizer, when it is written.</summary>
    public void WriteOther(string name, object value)
    {
        if (facts is null)
            values.Add(new(name, value));
    }

    /// <summary>A tensor that no parameter has, when it is written.</summary>
    public void WriteTensor(string name, float[] numbers) => tensors.Add(name, numbers);

    /// <summary>Says that a value is read in some other way.</summary>
    public void Ask(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
            asked.Add(key);
    }

    /// <summary>A number in its shortest form, so that 0.1 is a tenth again.</summary>
    public void WriteNumber(string field, object number)
    {
        if (number is float single)
            Json.WriteNumber(field, single);
        else
            Json.WriteNumber(field, Convert.ToDouble(number, System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>The ids: how many there are, which begin and end a text, and whether the head is the embedding.</summary>
    public void Vocabulary()
    {
        if (facts is null)
        {
            Write("vocab_size", config.GetProperty("vocab_size").GetUInt32());
            return;
        }
        Json.WriteNumber("vocab_size", facts.Sizes("token_embd.weight") is [long ids, _] ? ids
            : throw facts.Error("there must be a matrix token_embd.weight, but there is not"));
        Json.WriteBoolean("tie_word_embeddings", !facts.Has("output.weight"));
        GgufEnds.Write(Json, facts);
    }

    /// <summary>A field of the config that is there and not null.</summary>
    public JsonElement? Find(string field) => config.TryGetProperty(field, out JsonElement element) && element.ValueKind != JsonValueKind.Null ? element : null;

    private InvalidDataException Missing(string key) => facts!.Error($"the value {architecture}.{key} is missing");
}
