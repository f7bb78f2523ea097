using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Normalization;

namespace Lemma.Text.Files;

/// <summary>Normalizers in a tokenizer.json.</summary>
internal static class NormalizerJson
{
    public static Normalizer? Read(JsonPlace place) => place.IsNull ? null : ReadOne(place);

    private static Normalizer ReadOne(JsonPlace place) => place["type"].Text() switch
    {
        "Prepend" => new PrependNormalizer(place["prepend"].SomeText()),
        "Replace" => ReadReplace(place),
        "NFC" => new UnicodeFormNormalizer(UnicodeForm.Nfc),
        "NFD" => new UnicodeFormNormalizer(UnicodeForm.Nfd),
        "NFKC" => new UnicodeFormNormalizer(UnicodeForm.Nfkc),
        "NFKD" => new UnicodeFormNormalizer(UnicodeForm.Nfkd),
        "Lowercase" => new LowercaseNormalizer(),
        "StripAccents" => new StripAccentsNormalizer(),
        "Nmt" => new NmtNormalizer(),
        "ByteLevel" => new ByteLevelNormalizer(),
        "Strip" => new StripNormalizer(place["strip_left"].FlagOr(true), place["strip_right"].FlagOr(true)),
        "BertNormalizer" => new BertNormalizer(place["clean_text"].FlagOr(true), place["handle_chinese_chars"].FlagOr(true),
            place["strip_accents"].IsNull ? null : place["strip_accents"].FlagOr(false), place["lowercase"].FlagOr(true)),
        "Precompiled" => ReadMap(place["precompiled_charsmap"]),
        "Sequence" => new SequenceNormalizer([.. place["normalizers"].Items().Select(ReadOne)]),
        string type => throw place.Unknown("normalizer", type),
    };

    private static ReplaceNormalizer ReadReplace(JsonPlace place)
    {
        (string pattern, bool isRegex) = PatternJson.Read(place["pattern"]);
        try
        {
            return new ReplaceNormalizer(pattern, place["content"].Text(), isRegex);
        }
        catch (ArgumentException error)
        {
            throw place.Error(error.Message);
        }
    }

    private static PrecompiledNormalizer ReadMap(JsonPlace place)
    {
        try
        {
            return new PrecompiledNormalizer(Convert.FromBase64String(place.Text()));
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            throw place.Error($"must be a compiled map in base 64, but is not: {error.Message}");
        }
    }

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
            case UnicodeFormNormalizer form:
                json.WriteString("type", form.Form.ToString().ToUpperInvariant());
                break;
            case LowercaseNormalizer:
                json.WriteString("type", "Lowercase");
                break;
            case StripAccentsNormalizer:
                json.WriteString("type", "StripAccents");
                break;
            case NmtNormalizer:
                json.WriteString("type", "Nmt");
                break;
            case ByteLevelNormalizer:
                json.WriteString("type", "ByteLevel");
                break;
            case StripNormalizer strip:
                json.WriteString("type", "Strip");
                json.WriteBoolean("strip_left", strip.StripsLeft);
                json.WriteBoolean("strip_right", strip.StripsRight);
                break;
            case BertNormalizer bert:
                WriteBert(json, bert);
                break;
            case PrecompiledNormalizer precompiled:
                json.WriteString("type", "Precompiled");
                json.WriteString("precompiled_charsmap", Convert.ToBase64String([.. precompiled.Map]));
                break;
            case SentencePieceNormalizer sentencePiece:
                WriteStages(json, sentencePiece);
                break;
            case ReplaceNormalizer replace:
                json.WriteString("type", "Replace");
                PatternJson.Write(json, replace.Pattern, replace.IsRegex);
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

    private static void WriteBert(Utf8JsonWriter json, BertNormalizer bert)
    {
        json.WriteString("type", "BertNormalizer");
        json.WriteBoolean("clean_text", bert.CleansText);
        json.WriteBoolean("handle_chinese_chars", bert.SeparatesChinese);
        if (bert.StripsAccents is bool strips)
            json.WriteBoolean("strip_accents", strips);
        else
            json.WriteNull("strip_accents");
        json.WriteBoolean("lowercase", bert.Lowercases);
    }

    /// <summary>The normalizer of a SentencePiece model as the stages that a tokenizer.json has for it.</summary>
    private static void WriteStages(Utf8JsonWriter json, SentencePieceNormalizer normalizer)
    {
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        if (normalizer.Map is not null)
            Write(json, normalizer.Map);
        if (normalizer.RemovesSpaces)
        {
            Write(json, new ReplaceNormalizer(@"\A +| +\z", "", isRegex: true));
            Write(json, new ReplaceNormalizer(" {2,}", " ", isRegex: true));
        }
        string space = normalizer.MarksSpaces ? "\u2581" : " ";
        if (normalizer.AddsSpace)
            Write(json, normalizer.EndsWords ? new ReplaceNormalizer(@"\z", space, isRegex: true) : new PrependNormalizer(space));
        if (normalizer.MarksSpaces)
            Write(json, new ReplaceNormalizer(" ", space));
        json.WriteEndArray();
    }
}
