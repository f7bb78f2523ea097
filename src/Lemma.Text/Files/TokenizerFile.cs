using System.Text.Encodings.Web;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Models;

namespace Lemma.Text.Files;

/// <summary>The tokenizer.json of Hugging Face's tokenizers.</summary>
internal static class TokenizerFile
{
    private const string Name = "tokenizer.json";

    public static Tokenizer Read(string path)
    {
        if (Directory.Exists(path))
            path = Path.Combine(path, Name);
        byte[] bytes = FileBytes.Read(path);
        try
        {
            using JsonDocument document = JsonText.Parse(bytes);
            return Read(new JsonPlace(document.RootElement));
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
    }

    public static void Write(string path, Tokenizer tokenizer)
    {
        if (Directory.Exists(path))
            path = Path.Combine(path, Name);
        path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string temporary = path + ".tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write))
            {
                Write(stream, tokenizer);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public static void Write(Stream stream, Tokenizer tokenizer)
    {
        JsonWriterOptions options = new()
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using (Utf8JsonWriter json = new(stream, options))
            Write(json, tokenizer);
        stream.WriteByte((byte)'\n');
    }

    private static Tokenizer Read(JsonPlace root)
    {
        TokenModel model = ModelJson.Read(root["model"]);
        AddedToken[] addedTokens = root["added_tokens"].IsNull ? []
            : [.. root["added_tokens"].Items().Select(static place => ReadAddedToken(place, place["id"].Natural()))];
        try
        {
            return new Tokenizer(model, addedTokens, NormalizerJson.Read(root["normalizer"]), SplitterJson.Read(root["pre_tokenizer"]),
                PostProcessorJson.Read(root["post_processor"]), DecoderJson.Read(root["decoder"]),
                LengthJson.ReadTruncation(root["truncation"]), LengthJson.ReadPadding(root["padding"]));
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
    }

    /// <summary>A token and how it is found.</summary>
    public static AddedToken ReadAddedToken(JsonPlace place, int id) => new(id, place["content"].SomeText())
    {
        IsSpecial = place["special"].FlagOr(false),
        IsSingleWord = place["single_word"].FlagOr(false),
        StripsLeft = place["lstrip"].FlagOr(false),
        StripsRight = place["rstrip"].FlagOr(false),
        IsNormalized = place["normalized"].FlagOr(true),
    };

    private static void Write(Utf8JsonWriter json, Tokenizer tokenizer)
    {
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        LengthJson.Write(json, tokenizer.Truncation, tokenizer.Padding);
        json.WriteStartArray("added_tokens");
        foreach (AddedToken token in tokenizer.AddedTokens)
        {
            json.WriteStartObject();
            json.WriteNumber("id", token.Id);
            json.WriteString("content", token.Content);
            json.WriteBoolean("single_word", token.IsSingleWord);
            json.WriteBoolean("lstrip", token.StripsLeft);
            json.WriteBoolean("rstrip", token.StripsRight);
            json.WriteBoolean("normalized", token.IsNormalized);
            json.WriteBoolean("special", token.IsSpecial);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WritePropertyName("normalizer");
        NormalizerJson.Write(json, tokenizer.Normalizer);
        json.WritePropertyName("pre_tokenizer");
        SplitterJson.Write(json, tokenizer.Splitter);
        json.WritePropertyName("post_processor");
        PostProcessorJson.Write(json, tokenizer.PostProcessor);
        json.WritePropertyName("decoder");
        DecoderJson.Write(json, tokenizer.Decoder);
        json.WritePropertyName("model");
        ModelJson.Write(json, tokenizer.Model);
        json.WriteEndObject();
    }
}
