using System.Text.Json;
using Lemma.Text.Normalization;

namespace Lemma.Text.Files;

/// <summary>Normalizers in a tokenizer.json.</summary>
internal static class NormalizerJson
{
    public static Normalizer? Read(JsonPlace place) => place.IsNull ? null : ReadOne(place);

    private static Normalizer ReadOne(JsonPlace place) => place["type"].Text() switch
    {
        "Prepend" => new PrependNormalizer(place["prepend"].SomeText()),
        "Replace" => new ReplaceNormalizer(PatternJson.Read(place["pattern"]), place["content"].Text()),
        "Sequence" => new SequenceNormalizer([.. place["normalizers"].Items().Select(ReadOne)]),
        string type => throw place.Unknown("normalizer", type),
    };

    public static void Write(Utf8JsonWriter json, Normalizer? normalizer)
    {
        if (normalizer is null)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        switch (normalizer)
        {
            case PrependNormalizer prepend:
                json.WriteString("type", "Prepend");
                json.WriteString("prepend", prepend.Text);
                break;
            case ReplaceNormalizer replace:
                json.WriteString("type", "Replace");
                PatternJson.Write(json, replace.Pattern);
                json.WriteString("content", replace.Content);
                break;
            case SequenceNormalizer sequence:
                json.WriteString("type", "Sequence");
                json.WriteStartArray("normalizers");
                foreach (Normalizer part in sequence.Normalizers)
                    Write(json, part);
                json.WriteEndArray();
                break;
            default:
                throw new NotSupportedException($"save: a tokenizer.json has no form for the normalizer {normalizer.GetType().Name}");
        }
        json.WriteEndObject();
    }
}

/// <summary>What a Replace component seeks: {"String": "..."}.</summary>
internal static class PatternJson
{
    public static string Read(JsonPlace place)
    {
        JsonPlace text = place["String"];
        return text.IsNull ? throw place.Error("must be a fixed text, {\"String\": ...}: other patterns are not known") : text.SomeText();
    }

    public static void Write(Utf8JsonWriter json, string pattern)
    {
        json.WriteStartObject("pattern");
        json.WriteString("String", pattern);
        json.WriteEndObject();
    }
}
