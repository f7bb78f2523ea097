using System.Text.Json;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>Splitters in a tokenizer.json, which calls them pre-tokenizers.</summary>
internal static class SplitterJson
{
    public static Splitter? Read(JsonPlace place) => place.IsNull ? null : ReadOne(place);

    private static Splitter ReadOne(JsonPlace place) => place["type"].Text() switch
    {
        "ByteLevel" => new ByteLevelSplitter(place["add_prefix_space"].FlagOr(true), place["use_regex"].FlagOr(true)),
        "Sequence" => new SequenceSplitter([.. place["pretokenizers"].Items().Select(ReadOne)]),
        string type => throw place.Unknown("pre-tokenizer", type),
    };

    public static void Write(Utf8JsonWriter json, Splitter? splitter)
    {
        if (splitter is null)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        switch (splitter)
        {
            case ByteLevelSplitter byteLevel:
                json.WriteString("type", "ByteLevel");
                json.WriteBoolean("add_prefix_space", byteLevel.AddPrefixSpace);
                json.WriteBoolean("trim_offsets", true);
                json.WriteBoolean("use_regex", byteLevel.SplitWords);
                break;
            case SequenceSplitter sequence:
                json.WriteString("type", "Sequence");
                json.WriteStartArray("pretokenizers");
                foreach (Splitter part in sequence.Splitters)
                    Write(json, part);
                json.WriteEndArray();
                break;
            default:
                throw new NotSupportedException($"save: a tokenizer.json has no form for the splitter {splitter.GetType().Name}");
        }
        json.WriteEndObject();
    }
}
