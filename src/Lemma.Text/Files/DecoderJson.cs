using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Decoding;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>Decoders in a tokenizer.json.</summary>
internal static class DecoderJson
{
    public static PieceDecoder? Read(JsonPlace place) => place.IsNull ? null : ReadOne(place);

    private static PieceDecoder ReadOne(JsonPlace place) => place["type"].Text() switch
    {
        "ByteLevel" => new ByteLevelDecoder(),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Fuse" => new FuseDecoder(),
        "Replace" => ReadReplace(place),
        "WordPiece" => new WordPieceDecoder(place["prefix"].TextOr("##"), place["cleanup"].FlagOr(true)),
        "Metaspace" => new MetaspaceDecoder(MetaspaceJson.Mark(place), MetaspaceJson.Prepends(place) != PrependScheme.Never),
        "BPEDecoder" => new SuffixDecoder(place["suffix"].IsNull ? "</w>" : place["suffix"].SomeText()),
        "CTC" => new CtcDecoder(place["pad_token"].IsNull ? "<pad>" : place["pad_token"].SomeText(),
            place["word_delimiter_token"].IsNull ? "|" : place["word_delimiter_token"].SomeText(), place["cleanup"].FlagOr(true)),
        "Strip" => new StripDecoder(ReadCharacter(place["content"]), place["start"].Natural(), place["stop"].Natural()),
        "Sequence" => new SequenceDecoder([.. place["decoders"].Items().Select(ReadOne)]),
        string type => throw place.Unknown("decoder", type),
    };

    private static ReplaceDecoder ReadReplace(JsonPlace place)
    {
        (string pattern, bool isRegex) = PatternJson.Read(place["pattern"]);
        try
        {
            return new ReplaceDecoder(pattern, place["content"].Text(), isRegex);
        }
        catch (ArgumentException error)
        {
            throw place["pattern"].Error($"must be a pattern: {error.Message}");
        }
    }

    private static char ReadCharacter(JsonPlace place)
    {
        string text = place.Text();
        return text.Length == 1 ? text[0] : throw place.Error($"must be one character of the basic plane, but is '{text}'");
    }

    public static void Write(Utf8JsonWriter json, PieceDecoder? decoder)
    {
        if (decoder is null)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        switch (decoder)
        {
            case ByteLevelDecoder:
                json.WriteString("type", "ByteLevel");
                json.WriteBoolean("add_prefix_space", true);
                json.WriteBoolean("trim_offsets", true);
                json.WriteBoolean("use_regex", true);
                break;
            case ByteFallbackDecoder:
                json.WriteString("type", "ByteFallback");
                break;
            case FuseDecoder:
                json.WriteString("type", "Fuse");
                break;
            case WordPieceDecoder wordPiece:
                json.WriteString("type", "WordPiece");
                json.WriteString("prefix", wordPiece.Prefix);
                json.WriteBoolean("cleanup", wordPiece.CleansUp);
                break;
            case MetaspaceDecoder metaspace:
                MetaspaceJson.Write(json, metaspace.Replacement, metaspace.DropsFirst ? PrependScheme.Always : PrependScheme.Never, true);
                break;
            case SuffixDecoder suffix:
                json.WriteString("type", "BPEDecoder");
                json.WriteString("suffix", suffix.Suffix);
                break;
            case CtcDecoder ctc:
                json.WriteString("type", "CTC");
                json.WriteString("pad_token", ctc.Blank);
                json.WriteString("word_delimiter_token", ctc.Delimiter);
                json.WriteBoolean("cleanup", ctc.CleansUp);
                break;
            case ReplaceDecoder replace:
                json.WriteString("type", "Replace");
                PatternJson.Write(json, replace.Pattern, replace.IsRegex);
                json.WriteString("content", replace.Content);
                break;
            case StripDecoder strip:
                json.WriteString("type", "Strip");
                json.WriteString("content", strip.Content.ToString());
                json.WriteNumber("start", strip.Start);
                json.WriteNumber("stop", strip.Stop);
                break;
            case SequenceDecoder sequence:
                json.WriteString("type", "Sequence");
                json.WriteStartArray("decoders");
                foreach (PieceDecoder part in sequence.Decoders)
                    Write(json, part);
                json.WriteEndArray();
                break;
            default:
                throw new NotSupportedException($"save: a tokenizer.json has no form for the decoder {decoder.GetType().Name}");
        }
        json.WriteEndObject();
    }
}
