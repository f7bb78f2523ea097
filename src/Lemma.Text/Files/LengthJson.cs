using System.Text.Json;
using Lemma.Formats;

namespace Lemma.Text.Files;

/// <summary>Truncation and padding in a tokenizer.json.</summary>
internal static class LengthJson
{
    public static TruncationOptions? ReadTruncation(JsonPlace place) => place.IsNull ? null : new TruncationOptions
    {
        MaximumLength = place["max_length"].Natural(),
        Stride = place["stride"].IsNull ? 0 : place["stride"].Natural(),
        CutsLeft = IsLeft(place["direction"]),
        Strategy = place["strategy"].TextOr("LongestFirst") switch
        {
            "LongestFirst" => TruncationStrategy.LongestFirst,
            "OnlyFirst" => TruncationStrategy.OnlyFirst,
            "OnlySecond" => TruncationStrategy.OnlySecond,
            string other => throw place["strategy"].Error($"must be LongestFirst, OnlyFirst or OnlySecond, but is '{other}'"),
        },
    };

    public static PaddingOptions? ReadPadding(JsonPlace place)
    {
        if (place.IsNull)
            return null;
        JsonPlace strategy = place["strategy"];
        int? length = null;
        if (strategy.Value.ValueKind == JsonValueKind.Object)
            length = strategy["Fixed"].Natural();
        else if (strategy.TextOr("BatchLongest") is string name and not "BatchLongest")
            throw strategy.Error($"must be BatchLongest or {{\"Fixed\": length}}, but is '{name}'");
        if (length > MostFilled)
            throw strategy.Error($"must fill up to at most {MostFilled}, but to {length}");
        return new PaddingOptions
        {
            FixedLength = length,
            MultipleOf = place["pad_to_multiple_of"].IsNull ? null : place["pad_to_multiple_of"].Natural(),
            FillsLeft = IsLeft(place["direction"]),
            Id = place["pad_id"].IsNull ? 0 : place["pad_id"].Natural(),
            TypeId = place["pad_type_id"].IsNull ? 0 : place["pad_type_id"].Natural(),
            Piece = place["pad_token"].TextOr("[PAD]"),
        };
    }

    // A file may not ask for memory with one number.
    private const int MostFilled = 1 << 24;

    public static void Write(Utf8JsonWriter json, TruncationOptions? truncation, PaddingOptions? padding)
    {
        if (truncation is null)
            json.WriteNull("truncation");
        else
        {
            json.WriteStartObject("truncation");
            json.WriteString("direction", truncation.CutsLeft ? "Left" : "Right");
            json.WriteNumber("max_length", truncation.MaximumLength);
            json.WriteString("strategy", truncation.Strategy.ToString());
            json.WriteNumber("stride", truncation.Stride);
            json.WriteEndObject();
        }
        if (padding is null)
            json.WriteNull("padding");
        else
            WritePadding(json, padding);
    }

    private static void WritePadding(Utf8JsonWriter json, PaddingOptions padding)
    {
        json.WriteStartObject("padding");
        if (padding.FixedLength is int length)
        {
            json.WriteStartObject("strategy");
            json.WriteNumber("Fixed", length);
            json.WriteEndObject();
        }
        else
            json.WriteString("strategy", "BatchLongest");
        json.WriteString("direction", padding.FillsLeft ? "Left" : "Right");
        if (padding.MultipleOf is int multiple)
            json.WriteNumber("pad_to_multiple_of", multiple);
        else
            json.WriteNull("pad_to_multiple_of");
        json.WriteNumber("pad_id", padding.Id);
        json.WriteNumber("pad_type_id", padding.TypeId);
        json.WriteString("pad_token", padding.Piece);
        json.WriteEndObject();
    }

    private static bool IsLeft(JsonPlace place) => place.TextOr("Right") switch
    {
        "Right" => false,
        "Left" => true,
        string other => throw place.Error($"must be Left or Right, but is '{other}'"),
    };
}
