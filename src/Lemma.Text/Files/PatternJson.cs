using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>What a component seeks: {"String": "..."}, {"Regex": "..."}, or a text by itself.</summary>
internal static class PatternJson
{
    public static (string Pattern, bool IsRegex) Read(JsonPlace place)
    {
        if (place.Value.ValueKind == JsonValueKind.String)
            return (place.SomeText(), false);
        JsonPlace text = place["String"], regex = place["Regex"];
        if (text.IsNull == regex.IsNull)
            throw place.Error("must have either String or Regex");
        return text.IsNull ? (regex.SomeText(), true) : (text.SomeText(), false);
    }

    public static void Write(Utf8JsonWriter json, string pattern, bool isRegex)
    {
        json.WriteStartObject("pattern");
        json.WriteString(isRegex ? "Regex" : "String", pattern);
        json.WriteEndObject();
    }
}

/// <summary>The settings of Metaspace, which is a splitter and a decoder.</summary>
internal static class MetaspaceJson
{
    public static char Mark(JsonPlace place)
    {
        string text = place["replacement"].TextOr("\u2581");
        return text.Length == 1 ? text[0]
            : throw place["replacement"].Error($"must be one character of the basic plane, but is '{text}'");
    }

    public static PrependScheme Prepends(JsonPlace place) => place["prepend_scheme"].IsNull
        ? place["add_prefix_space"].FlagOr(true) ? PrependScheme.Always : PrependScheme.Never
        : place["prepend_scheme"].Text() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            string other => throw place["prepend_scheme"].Error($"must be always, first or never, but is '{other}'"),
        };

    public static void Write(Utf8JsonWriter json, char mark, PrependScheme prepends, bool splits)
    {
        json.WriteString("type", "Metaspace");
        json.WriteString("replacement", mark.ToString());
        json.WriteString("prepend_scheme", prepends.ToString().ToLowerInvariant());
        json.WriteBoolean("split", splits);
    }
}
