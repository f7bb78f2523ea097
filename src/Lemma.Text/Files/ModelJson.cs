using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Models;

namespace Lemma.Text.Files;

/// <summary>Models in a tokenizer.json.</summary>
internal static class ModelJson
{
    public static TokenModel Read(JsonPlace place)
    {
        if (place.IsNull)
            throw place.Error("must be an object, but is missing");
        string type = place["type"].IsNull ? TypeOf(place) : place["type"].Text();
        try
        {
            return type switch
            {
                "BPE" => ReadBpe(place),
                "WordPiece" => ReadWordPiece(place),
                "WordLevel" => new WordModel(ReadVocabulary(place["vocab"]), place["unk_token"].TextOr("<unk>")),
                "Unigram" => ReadUnigram(place),
                _ => throw place.Unknown("model", type),
            };
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
    }

    // Files from before the types were written.
    private static string TypeOf(JsonPlace place)
    {
        if (!place["merges"].IsNull)
            return "BPE";
        if (place["vocab"].Value.ValueKind == JsonValueKind.Array)
            return "Unigram";
        return place["continuing_subword_prefix"].IsNull && place["max_input_chars_per_word"].IsNull ? "WordLevel" : "WordPiece";
    }

    /// <summary>A vocabulary from an object of pieces and their ids.</summary>
    public static Vocabulary ReadVocabulary(JsonPlace place)
    {
        List<string> pieces = [];
        List<int> ids = [];
        foreach (JsonPlace member in place.Members())
        {
            pieces.Add(member.Name);
            ids.Add(member.Integer());
        }
        return new Vocabulary([.. pieces], [.. ids]);
    }

    private static WordPieceModel ReadWordPiece(JsonPlace place) => new(
        ReadVocabulary(place["vocab"]), place["unk_token"].TextOr("[UNK]"), place["continuing_subword_prefix"].TextOr("##"),
        place["max_input_chars_per_word"].IsNull ? 100 : place["max_input_chars_per_word"].Natural());

    private static UnigramModel ReadUnigram(JsonPlace place)
    {
        List<(string, double)> pieces = [];
        foreach (JsonPlace item in place["vocab"].Items())
        {
            if (item.Count() != 2)
                throw item.Error($"must have a piece and a score, but has {item.Count()} parts");
            pieces.Add((item[0].Text(), item[1].Score()));
        }
        return new UnigramModel(pieces, place["unk_id"].IsNull ? null : place["unk_id"].Natural(), place["byte_fallback"].FlagOr(false));
    }

    private static BpeModel ReadBpe(JsonPlace place)
    {
        BpeOptions options = new()
        {
            UnknownPiece = place["unk_token"] is { IsNull: false } unknown ? unknown.Text() : null,
            FuseUnknown = place["fuse_unk"].FlagOr(false),
            ByteFallback = place["byte_fallback"].FlagOr(false),
            IgnoreMerges = place["ignore_merges"].FlagOr(false),
            Dropout = place["dropout"].IsNull ? 0 : place["dropout"].Real(),
            ContinuingPrefix = place["continuing_subword_prefix"].TextOr(""),
            EndSuffix = place["end_of_word_suffix"].TextOr(""),
        };
        Vocabulary vocabulary = ReadVocabulary(place["vocab"]);
        MergeList merges = new(vocabulary, options.ContinuingPrefix);
        foreach (JsonPlace merge in place["merges"].Items())
            ReadMerge(merge, vocabulary, merges);
        return new BpeModel(vocabulary, merges, options);
    }

    private static void ReadMerge(JsonPlace place, Vocabulary vocabulary, MergeList merges)
    {
        if (place.Value.ValueKind == JsonValueKind.Array)
        {
            if (place.Count() != 2)
                throw place.Error($"must have two pieces, but has {place.Count()}");
            merges.Add(place[0].Text(), place[1].Text());
            return;
        }
        string text = place.Text();
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        if (text.LastIndexOf(' ') != space)
            space = TrueSpace(text, vocabulary);
        if (space <= 0 || space == text.Length - 1)
            throw place.Error($"must be two pieces with one space between them, but is '{text}'");
        merges.Add(text.AsSpan(0, space), text.AsSpan(space + 1));
    }

    /// <summary>The only space that parts two pieces of the vocabulary which make a third, or −1; for pieces that have spaces.</summary>
    private static int TrueSpace(string text, Vocabulary vocabulary)
    {
        int found = -1;
        for (int i = 1; i < text.Length - 1; i++)
        {
            if (text[i] != ' ' || vocabulary.IdOf(text.AsSpan(0, i)) < 0 || vocabulary.IdOf(text.AsSpan(i + 1)) < 0
                || vocabulary.IdOf(text.Remove(i, 1)) < 0)
                continue;
            if (found >= 0)
                return -1;
            found = i;
        }
        return found;
    }

    public static void Write(Utf8JsonWriter json, TokenModel model)
    {
        json.WriteStartObject();
        switch (model)
        {
            case BpeModel bpe:
                WriteBpe(json, bpe);
                break;
            case WordPieceModel wordPiece:
                json.WriteString("type", "WordPiece");
                json.WriteString("unk_token", wordPiece.UnknownPiece);
                json.WriteString("continuing_subword_prefix", wordPiece.ContinuingPrefix);
                json.WriteNumber("max_input_chars_per_word", wordPiece.MostCharacters);
                WriteVocabulary(json, wordPiece.Vocabulary);
                break;
            case WordModel words:
                json.WriteString("type", "WordLevel");
                WriteVocabulary(json, words.Vocabulary);
                json.WriteString("unk_token", words.UnknownPiece);
                break;
            case UnigramModel unigram:
                WriteUnigram(json, unigram);
                break;
            default:
                throw new NotSupportedException($"save: a tokenizer.json has no form for the model {model.GetType().Name}");
        }
        json.WriteEndObject();
    }

    private static void WriteUnigram(Utf8JsonWriter json, UnigramModel unigram)
    {
        json.WriteString("type", "Unigram");
        if (unigram.UnknownId is int unknown)
            json.WriteNumber("unk_id", unknown);
        else
            json.WriteNull("unk_id");
        json.WriteStartArray("vocab");
        foreach ((string piece, double score) in unigram.Pieces)
        {
            json.WriteStartArray();
            json.WriteStringValue(piece);
            json.WriteNumberValue(score);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", unigram.ByteFallback);
    }

    private static void WriteVocabulary(Utf8JsonWriter json, Vocabulary vocabulary)
    {
        json.WriteStartObject("vocab");
        for (int id = 0; id < vocabulary.Size; id++)
            if (vocabulary.PieceOf(id) is string piece)
                json.WriteNumber(piece, id);
        json.WriteEndObject();
    }

    private static void WriteBpe(Utf8JsonWriter json, BpeModel bpe)
    {
        json.WriteString("type", "BPE");
        if (bpe.Options.Dropout > 0)
            json.WriteNumber("dropout", bpe.Options.Dropout);
        else
            json.WriteNull("dropout");
        WriteTextOrNull(json, "unk_token", bpe.Options.UnknownPiece);
        WriteTextOrNull(json, "continuing_subword_prefix", bpe.Options.ContinuingPrefix);
        WriteTextOrNull(json, "end_of_word_suffix", bpe.Options.EndSuffix);
        json.WriteBoolean("fuse_unk", bpe.Options.FuseUnknown);
        json.WriteBoolean("byte_fallback", bpe.Options.ByteFallback);
        json.WriteBoolean("ignore_merges", bpe.Options.IgnoreMerges);
        WriteVocabulary(json, bpe.Vocabulary);
        WriteMerges(json, bpe.Merges);
    }

    /// <summary>As "left right", which every reader knows, unless a piece has a space.</summary>
    private static void WriteMerges(Utf8JsonWriter json, IReadOnlyList<(string Left, string Right)> merges)
    {
        bool spaces = merges.Any(static merge => merge.Left.Contains(' ') || merge.Right.Contains(' '));
        json.WriteStartArray("merges");
        foreach ((string left, string right) in merges)
            if (spaces)
            {
                json.WriteStartArray();
                json.WriteStringValue(left);
                json.WriteStringValue(right);
                json.WriteEndArray();
            }
            else
                json.WriteStringValue($"{left} {right}");
        json.WriteEndArray();
    }

    private static void WriteTextOrNull(Utf8JsonWriter json, string name, string? text)
    {
        if (string.IsNullOrEmpty(text))
            json.WriteNull(name);
        else
            json.WriteString(name, text);
    }
}
