using System.Globalization;
using System.Text.Json;

namespace Lemma.Server.Http;

/// <summary>The fields of an object in a request: each is asked for by name, and what nobody asked for is refused.</summary>
internal sealed class Fields
{
    private readonly JsonElement root;
    private readonly string at;
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);

    /// <summary>The fields of an object.</summary>
    /// <param name="root">The object.</param>
    /// <param name="at">Where it stands in the request, before the names of its fields; empty for the request itself.</param>
    public Fields(JsonElement root, string at = "")
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Wrong(at.TrimEnd('.'), "an object", root);
        (this.root, this.at) = (root, at);
    }

    /// <summary>The name of a field, with the place of its object.</summary>
    public string Name(string field) => at + field;

    /// <summary>A field of any type; null where it is missing or null.</summary>
    public JsonElement? Any(string field)
    {
        asked.Add(field);
        return root.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public string? Text(string field) => Any(field) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(Name(field), "a string", value);

    public bool? Flag(string field) => Any(field) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(Name(field), "a boolean", value);

    public double? Number(string field, double least, double most) => Any(field) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= least && number <= most ? number
        : throw Wrong(Name(field), string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"), value);

    public int? Whole(string field, int least, int most = int.MaxValue) => Any(field) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least && number <= most ? number
        : throw Wrong(Name(field), most == int.MaxValue ? $"a whole number of at least {least}" : $"a whole number from {least} to {most}", value);

    public long? Long(string field) => Any(field) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : throw Wrong(Name(field), "a whole number of 64 bits", value);

    public string NeededText(string field) => Text(field) ?? throw Missing(field);

    /// <summary>A string, or an array of them.</summary>
    public IReadOnlyList<string>? Texts(string field, int most)
    {
        if (Any(field) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.String)
            return [value.GetString()!];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > most || value.EnumerateArray().Any(one => one.ValueKind != JsonValueKind.String))
            throw Wrong(Name(field), $"a string or an array of at most {most} strings", value);
        return [.. value.EnumerateArray().Select(one => one.GetString()!)];
    }

    /// <summary>An array of ids.</summary>
    public static int[] Ids(JsonElement array, string name)
    {
        int[] ids = new int[array.GetArrayLength()];
        for (int i = 0; i < ids.Length; i++)
        {
            if (array[i].ValueKind != JsonValueKind.Number || !array[i].TryGetInt32(out ids[i]) || ids[i] < 0)
                throw Wrong(string.Create(CultureInfo.InvariantCulture, $"{name}[{i}]"), "a token id", array[i]);
        }
        return ids;
    }

    /// <summary>Fields that may be there and change nothing.</summary>
    public void Accept(params ReadOnlySpan<string> fields)
    {
        foreach (string field in fields)
            asked.Add(field);
    }

    /// <summary>Refuses a field that asks for something, unless it says a word that asks for nothing.</summary>
    public void Refuse(string field, string why, params ReadOnlySpan<string> harmless)
    {
        if (Any(field) is not { } value)
            return;
        bool isEmpty = value.ValueKind == JsonValueKind.False || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);
        if (!isEmpty && !(value.ValueKind == JsonValueKind.String && harmless.Contains(value.GetString())))
            throw new ApiException(400, $"'{Name(field)}' is not supported: {why}.", Name(field), "unsupported_parameter");
    }

    /// <summary>Refuses what is not known.</summary>
    public void RefuseOthers()
    {
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (!asked.Contains(property.Name))
                throw new ApiException(400, $"Unrecognized request argument supplied: {Name(property.Name)}", Name(property.Name), "unknown_parameter");
        }
    }

    public ApiException Missing(string field) => new(400, $"Missing required parameter: '{Name(field)}'.", Name(field), "missing_required_parameter");

    public static ApiException Wrong(string name, string rule, JsonElement value)
    {
        string given = value.GetRawText();
        given = given.Length > 60 ? $"{given.AsSpan(0, 60)}…" : given;
        return new ApiException(400, name.Length == 0 ? $"The body must be {rule}, but it is {given}." : $"'{name}' must be {rule}, but it is {given}.",
            name.Length == 0 ? null : name, "invalid_value");
    }
}
