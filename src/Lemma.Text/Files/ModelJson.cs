using System.Text.Json;
using Lemma.Text.Models;

namespace Lemma.Text.Files;

/// <summary>Models in a tokenizer.json.</summary>
internal static class ModelJson
{
    public static TokenModel Read(JsonPlace place)
    {
        if (place.IsNull)
            throw place.Error("must be an object, but is missing");
        // Files from before the types were written have only BPE models with merges.
        string type = place["type"].TextOr(place["merges"].IsNull ? "none" : "BPE");
        return type == "BPE" ? ReadBpe(place) : throw place.Unknown("model", type);
    }

    private static BpeModel ReadBpe(JsonPlace place)
    {
        if (place["dropout"] is { IsNull: false } dropout
            && (dropout.Value.ValueKind != JsonValueKind.Number || dropout.Value.GetDouble() != 0))
            throw dropout.Error("must be null or 0: an encoding here is never random");
        BpeOptions options = new()
        {
            UnknownPiece = place["unk_token"] is { IsNull: false } unknown ? unknown.Text() : null,
            FuseUnknown = place["fuse_unk"].FlagOr(false),
            ByteFallback = place["byte_fallback"].FlagOr(false),
            IgnoreMerges = place["ignore_merges"].FlagOr(false),
            ContinuingPrefix = place["continuing_subword_prefix"].TextOr(""),
            EndSuffix = place["end_of_word_suffix"].TextOr(""),
        };
        try
        {
            Vocabulary vocabulary = new(place["vocab"].Members().Select(static member =>
                KeyValuePair.Create(member.Name, member.Value.Integer())));
            return new BpeModel(vocabulary, [.. place["merges"].Items().Select(merge => ReadMerge(merge, vocabulary))], options);
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
    }

    private static (string Left, string Right) ReadMerge(JsonPlace place, Vocabulary vocabulary)
    {
        if (place.Value.ValueKind == JsonValueKind.Array)
        {
            string[] pair = [.. place.Items().Select(static piece => piece.Text())];
            return pair.Length == 2 ? (pair[0], pair[1]) : throw place.Error($"must have two pieces, but has {pair.Length}");
        }
        string text = place.Text();
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        if (text.LastIndexOf(' ') != space)
            space = TrueSpace(text, vocabulary);
        if (space <= 0 || space == text.Length - 1)
            throw place.Error($"must be two pieces with one space between them, but is '{text}'");
        return (text[..space], text[(space + 1)..]);
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
        if (model is not BpeModel bpe)
            throw new NotSupportedException($"save: a tokenizer.json has no form for the model {model.GetType().Name}");
        json.WriteStartObject();
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        WriteTextOrNull(json, "unk_token", bpe.Options.UnknownPiece);
        WriteTextOrNull(json, "continuing_subword_prefix", bpe.Options.ContinuingPrefix);
        WriteTextOrNull(json, "end_of_word_suffix", bpe.Options.EndSuffix);
        json.WriteBoolean("fuse_unk", bpe.Options.FuseUnknown);
        json.WriteBoolean("byte_fallback", bpe.Options.ByteFallback);
        json.WriteBoolean("ignore_merges", bpe.Options.IgnoreMerges);
        json.WriteStartObject("vocab");
        for (int id = 0; id < bpe.Vocabulary.Size; id++)
            if (bpe.Vocabulary.PieceOf(id) is string piece)
                json.WriteNumber(piece, id);
        json.WriteEndObject();
        WriteMerges(json, bpe.Merges);
        json.WriteEndObject();
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
