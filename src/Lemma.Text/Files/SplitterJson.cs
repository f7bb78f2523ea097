using System.Text;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>Splitters in a tokenizer.json, which calls them pre-tokenizers.</summary>
internal static class SplitterJson
{
    public static Splitter? Read(JsonPlace place) => place.IsNull ? null : ReadOne(place);

    private static Splitter ReadOne(JsonPlace place) => place["type"].Text() switch
    {
        "ByteLevel" => new ByteLevelSplitter(place["add_prefix_space"].FlagOr(true), place["use_regex"].FlagOr(true)),
        "BertPreTokenizer" => new BertSplitter(),
        "Whitespace" => new WordSplitter(),
        "UnicodeScripts" => new ScriptSplitter(),
        "WhitespaceSplit" => new WhitespaceSplitter(),
        "Punctuation" => new PunctuationSplitter(place["behavior"].IsNull ? SplitBehavior.Isolated : ReadBehavior(place["behavior"])),
        "Digits" => new DigitsSplitter(place["individual_digits"].FlagOr(false)),
        "CharDelimiterSplit" => new DelimiterSplitter(ReadRune(place["delimiter"])),
        "FixedLength" => new FixedLengthSplitter(ReadLength(place["length"])),
        "Metaspace" => new MetaspaceSplitter(
            MetaspaceJson.Mark(place), MetaspaceJson.Prepends(place), place["split"].FlagOr(true)),
        "Split" => ReadSplit(place),
        "Sequence" => new SequenceSplitter([.. place["pretokenizers"].Items().Select(ReadOne)]),
        string type => throw place.Unknown("pre-tokenizer", type),
    };

    private static PatternSplitter ReadSplit(JsonPlace place)
    {
        (string pattern, bool isRegex) = PatternJson.Read(place["pattern"]);
        SplitBehavior behavior = ReadBehavior(place["behavior"]);
        bool isInverted = place["invert"].FlagOr(false);
        try
        {
            return isRegex ? PatternSplitter.OfRegex(pattern, behavior, isInverted) : PatternSplitter.OfText(pattern, behavior, isInverted);
        }
        catch (ArgumentException error)
        {
            throw place["pattern"].Error($"must be a pattern: {error.Message}");
        }
    }

    private static SplitBehavior ReadBehavior(JsonPlace place) => place.Text() switch
    {
        "Removed" or "removed" => SplitBehavior.Removed,
        "Isolated" or "isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" or "merged_with_previous" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" or "merged_with_next" => SplitBehavior.MergedWithNext,
        "Contiguous" or "contiguous" => SplitBehavior.Contiguous,
        string other => throw place.Error($"must be a way to split, but is '{other}'"),
    };

    private static Rune ReadRune(JsonPlace place)
    {
        string text = place.Text();
        return Rune.TryGetRuneAt(text + " ", 0, out Rune rune) && rune.Utf16SequenceLength == text.Length ? rune
            : throw place.Error($"must be one character, but is '{text}'");
    }

    private static int ReadLength(JsonPlace place) =>
        place.IsNull ? 5 : place.Natural() is int length and > 0 ? length : throw place.Error("must be at least 1, but is 0");

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
            case BertSplitter:
                json.WriteString("type", "BertPreTokenizer");
                break;
            case WordSplitter:
                json.WriteString("type", "Whitespace");
                break;
            case ScriptSplitter:
                json.WriteString("type", "UnicodeScripts");
                break;
            case WhitespaceSplitter:
                json.WriteString("type", "WhitespaceSplit");
                break;
            case PunctuationSplitter punctuation:
                json.WriteString("type", "Punctuation");
                json.WriteString("behavior", punctuation.Behavior.ToString());
                break;
            case DigitsSplitter digits:
                json.WriteString("type", "Digits");
                json.WriteBoolean("individual_digits", digits.IsIndividual);
                break;
            case DelimiterSplitter delimiter:
                json.WriteString("type", "CharDelimiterSplit");
                json.WriteString("delimiter", delimiter.Delimiter.ToString());
                break;
            case FixedLengthSplitter fixedLength:
                json.WriteString("type", "FixedLength");
                json.WriteNumber("length", fixedLength.Length);
                break;
            case MetaspaceSplitter metaspace:
                MetaspaceJson.Write(json, metaspace.Replacement, metaspace.Prepends, metaspace.Splits);
                break;
            case PatternSplitter pattern:
                json.WriteString("type", "Split");
                PatternJson.Write(json, pattern.Pattern, pattern.IsRegex);
                json.WriteString("behavior", pattern.Behavior.ToString());
                json.WriteBoolean("invert", pattern.IsInverted);
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
