using System.Text.Json;

namespace Lemma.Formats;

/// <summary>The fields of a JSON object from outside, with errors that name the file, the field and its value.</summary>
internal readonly struct JsonSettings
{
    private const long MaximumBytes = 16_000_000;
    private readonly JsonPlace place;
    private readonly string file;
    private readonly HashSet<string> asked = [];

    private JsonSettings(JsonPlace place, string file) => (this.place, this.file) = (place, file);

    /// <summary>Reads a file whole; it stays in memory as long as the settings are used.</summary>
    public static JsonSettings Read(string path)
    {
        using JsonDocument document = JsonText.Read(path, MaximumBytes);
        return Of(document, path);
    }

    /// <summary>Reads JSON in memory; errors give it a name.</summary>
    public static JsonSettings Parse(byte[] bytes, string name)
    {
        using JsonDocument document = JsonText.Parse(bytes);
        return Of(document, name);
    }

    private static JsonSettings Of(JsonDocument document, string path)
    {
        JsonElement root = document.RootElement.Clone();
        return root.ValueKind == JsonValueKind.Object ? new JsonSettings(new JsonPlace(root, path), path)
            : throw new InvalidDataException($"{path}: a JSON object is needed, but it is a JSON {root.ValueKind}");
    }

    /// <summary>The names of all fields, in the order of the file.</summary>
    public IEnumerable<string> Names => place.Members().Select(member => member.Name);

    /// <summary>Refuses every field that nobody asked for.</summary>
    public void RefuseUnread()
    {
        foreach (JsonPlace member in place.Members())
        {
            if (!asked.Contains(member.Name))
                throw Error($"the field {Named(member.Name)} is not known");
        }
    }

    /// <summary>Refuses fields that nobody asked for, since they may change what the others mean; null, false and empty ones change nothing.</summary>
    /// <param name="isHarmless">Fields that may stand there all the same.</param>
    public void RefuseUnread(Func<string, bool> isHarmless)
    {
        foreach (JsonPlace member in place.Members())
        {
            JsonElement value = member.Value;
            bool isNothing = value.ValueKind is JsonValueKind.Null or JsonValueKind.False
                || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0)
                || (value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any());
            if (!isNothing && !asked.Contains(member.Name) && !isHarmless(member.Name))
                throw Error($"the field {Named(member.Name)} is not known, so what the model computes is not known either");
        }
    }

    /// <summary>Whether a field is there and is not null.</summary>
    public bool Has(string name) => Find(name) != null;

    /// <summary>A whole number between bounds; the fallback when the field is absent or null, an error when there is no fallback.</summary>
    public int Integer(string name, int? fallback = null, int least = 1, int most = 1 << 24)
    {
        if (Find(name) is not { } value)
            return fallback ?? throw Missing(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least && number <= most
            ? number : throw Wrong(name, value, $"a whole number from {least} to {most}");
    }

    /// <summary>A finite number; the fallback when the field is absent or null, an error when there is no fallback.</summary>
    public double Number(string name, double? fallback = null)
    {
        if (Find(name) is not { } value)
            return fallback ?? throw Missing(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? number : throw Wrong(name, value, "a finite number");
    }

    /// <summary>The same of a number that single precision holds.</summary>
    public float Single(string name, double? fallback = null)
    {
        float number = (float)Number(name, fallback);
        return float.IsFinite(number) ? number : throw Wrong(name, Find(name)!.Value, "a finite number of single precision");
    }

    /// <summary>A whole number of 64 bits without a sign.</summary>
    public ulong Unsigned(string name)
    {
        JsonElement value = Find(name) ?? throw Missing(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong number) ? number
            : throw Wrong(name, value, "a whole number of at least 0");
    }

    /// <summary>A whole number of 64 bits, at least 0.</summary>
    public long Long(string name)
    {
        ulong number = Unsigned(name);
        return number <= long.MaxValue ? (long)number : throw Wrong(name, Find(name)!.Value, $"at most {long.MaxValue}");
    }

    /// <summary>True or false.</summary>
    public bool Boolean(string name, bool fallback)
    {
        if (Find(name) is not { } value)
            return fallback;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
            : throw Wrong(name, value, "true or false");
    }

    /// <summary>A text, or the fallback.</summary>
    public string? Text(string name, string? fallback = null)
    {
        if (Find(name) is not { } value)
            return fallback;
        if (value.ValueKind != JsonValueKind.String)
            throw Wrong(name, value, "a text");
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair: valid JSON, but no text.
            throw Error($"{Named(name)} is not valid text");
        }
    }

    /// <summary>An object inside, or null.</summary>
    public JsonSettings? Section(string name)
    {
        if (Find(name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Object ? new JsonSettings(place[name], file) : throw Wrong(name, value, "an object");
    }

    /// <summary>Objects in order; an error where the field is absent.</summary>
    public IReadOnlyList<JsonSettings> Sections(string name)
    {
        JsonElement value = Find(name) ?? throw Missing(name);
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(one => one.ValueKind != JsonValueKind.Object))
            throw Wrong(name, value, "a list of objects");
        string path = file;
        return [.. place[name].Items().Select(item => new JsonSettings(item, path))];
    }

    /// <summary>A field's JSON as it stands.</summary>
    public string Raw(string name) => (Find(name) ?? throw Missing(name)).GetRawText();

    /// <summary>An id: a whole number of at least 0, the first of a list, or null.</summary>
    public int? Id(string name, int? fallback) => Note(name).Value.ValueKind != JsonValueKind.Undefined ? Ids(name) is [int first, ..] ? first : null
        : fallback;

    /// <summary>Ids: one or a list of them, none where the field is absent or null; −1 stands for none.</summary>
    public IReadOnlyList<int> Ids(string name)
    {
        if (Find(name) is not { } value)
            return [];
        List<int> ids = [];
        foreach (JsonElement one in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : (IEnumerable<JsonElement>)[value])
        {
            if (one.ValueKind != JsonValueKind.Number || !one.TryGetInt32(out int id) || id < -1)
                throw Wrong(name, value, "an id or a list of ids");
            if (id >= 0 && !ids.Contains(id))
                ids.Add(id);
        }
        return ids;
    }

    /// <summary>Finite numbers; an error where the field is absent.</summary>
    public double[] Numbers(string name)
    {
        JsonElement value = Find(name) ?? throw Missing(name);
        if (value.ValueKind != JsonValueKind.Array)
            throw Wrong(name, value, "a list of numbers");
        List<double> numbers = [];
        foreach (JsonElement one in value.EnumerateArray())
            numbers.Add(one.ValueKind == JsonValueKind.Number && one.TryGetDouble(out double number) && double.IsFinite(number)
                ? number : throw Wrong(name, value, "a list of finite numbers"));
        return [.. numbers];
    }

    /// <summary>Texts, none where the field is absent or null.</summary>
    public string[] Texts(string name)
    {
        if (Find(name) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(one => one.ValueKind != JsonValueKind.String))
            throw Wrong(name, value, "a list of texts");
        return [.. value.EnumerateArray().Select(one => one.GetString()!)];
    }

    /// <summary>An error unless a field is absent, null or as expected.</summary>
    public void RequireBoolean(string name, bool expected, bool fallback)
    {
        bool value = Boolean(name, fallback);
        if (value != expected)
            throw Error($"{Named(name)}: {(value ? "true" : "false")} is not supported");
    }

    /// <summary>An error that names this file.</summary>
    public InvalidDataException Error(string reason) => new($"{file}: {reason}");

    /// <summary>The error that a field names something that is not known, with what is.</summary>
    public InvalidDataException Unknown(string name, string value, IEnumerable<string> known) =>
        Error($"{Named(name)}: '{value}' is not known; known are {string.Join(", ", known)}");

    private JsonElement? Find(string name) => Note(name) is { IsNull: false } found ? found.Value : null;

    private JsonPlace Note(string name)
    {
        asked.Add(name);
        return place[name];
    }

    private string Named(string name) => $"\"{place[name].Path}\"";

    /// <summary>The error that a field is missing.</summary>
    public InvalidDataException Missing(string name) => Error($"{Named(name)} is missing");

    private InvalidDataException Wrong(string name, JsonElement value, string expected)
    {
        string raw = value.GetRawText();
        return Error($"{Named(name)} must be {expected}, but it is {(raw.Length > 60 ? string.Concat(raw.AsSpan(0, 60), "...") : raw)}");
    }
}
