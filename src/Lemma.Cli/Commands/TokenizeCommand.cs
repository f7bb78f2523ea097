using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Text;
using Lemma.Text.Splitting;
using Spectre.Console;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma tokenize</c>: text to ids, pieces and offsets.</summary>
internal static class TokenizeCommand
{
    private static readonly Color[] Colors = [Color.Green, Color.Yellow, Color.Blue, Color.Fuchsia, Color.Aqua];

    public static Command Build()
    {
        Argument<string> model = new("MODEL") { Description = "A model's folder, or a tokenizer's file" };
        Argument<string?> text = new("TEXT") { Description = "The text; standard input without it", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> json = Choice.Flag("--json", "Write one object of JSON"), count = Choice.Flag("--count", "Write only the number of tokens");
        Option<bool> plain = Choice.Flag("--no-special", "Put no special tokens around the text");
        Option<string?> words = Words();
        Command command = new("tokenize", "Show the ids of a text.") { model, text, json, count, plain, words };
        Examples.Add(command,
            ("ids and pieces", "lemma tokenize tokenizer.json \"Once upon a time\""),
            ("how many tokens a file has", "lemma tokenize runs/book --count < book.txt"));
        command.SetAction(parsed => Run(Load(parsed.GetRequiredValue(model), parsed.GetValue(words)), parsed.GetValue(text) ?? StandardInput.ReadToEnd(),
            parsed.GetValue(json), parsed.GetValue(count), !parsed.GetValue(plain)));
        return command;
    }

    /// <summary>The words of a rank file, which does not say them.</summary>
    internal static Option<string?> Words() => Choice.Text("--words", "PATTERN",
        $"The words of a rank file (tiktoken), by {string.Join(", ", TextStages.Patterns)} or by a regular expression; by its number of pieces without it");

    /// <summary>The tokenizer of a folder or a file.</summary>
    internal static Tokenizer Load(string model, string? words)
    {
        string path = ModelPath(model);
        if (words is null)
            return Tokenizer.Load(path);
        if (!path.EndsWith(".tiktoken", StringComparison.Ordinal) && !path.EndsWith(".model", StringComparison.Ordinal))
            throw new UsageException($"--words: only for a rank file (.tiktoken, .model), but the tokenizer is {path}");
        return Tokenizer.LoadTiktoken(path, ((PatternSplitter)TextStages.WordsOf(words)).Pattern);
    }

    /// <summary>The folder or file that a tokenizer is read from.</summary>
    private static string ModelPath(string path)
    {
        string last = Path.Combine(path, "last");
        return Directory.Exists(path) && !File.Exists(Path.Combine(path, "tokenizer.json")) && Directory.Exists(last) ? last : path;
    }

    private static int Run(Tokenizer tokenizer, string text, bool json, bool countOnly, bool special)
    {
        if (countOnly)
        {
            Console.WriteLine(special ? tokenizer.Encode(text).Length : tokenizer.CountTokens(text));
            return CommandLine.Done;
        }
        EncodedText encoded = tokenizer.EncodeDetailed(text, addSpecialTokens: special);
        if (json)
            WriteJson(tokenizer, encoded);
        else if (Terminal.IsInteractive)
            Draw(tokenizer, encoded, text);
        else
            for (int i = 0; i < encoded.Ids.Count; i++)
                Console.WriteLine($"{encoded.Ids[i]}\t{JsonEncodedText.Encode(tokenizer.PieceOf(encoded.Ids[i]), JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}"
                    + $"\t{encoded.Offsets[i].Start}\t{encoded.Offsets[i].End}");
        return CommandLine.Done;
    }

    private static void Draw(Tokenizer tokenizer, EncodedText encoded, string text)
    {
        Table table = new Table { Border = TableBorder.Rounded }.AddColumns("id", "piece", "text", "offsets");
        for (int i = 0; i < encoded.Ids.Count; i++)
        {
            (int start, int end) = encoded.Offsets[i];
            Style style = new(Colors[i % Colors.Length]);
            table.AddRow(new Spectre.Console.Text($"{encoded.Ids[i]}"), new Spectre.Console.Text(tokenizer.PieceOf(encoded.Ids[i]), style),
                new Spectre.Console.Text(text[start..end], style), new Spectre.Console.Text($"{start}..{end}"));
        }
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine($"{encoded.Ids.Count} tokens");
    }

    private static void WriteJson(Tokenizer tokenizer, EncodedText encoded)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("ids");
            encoded.Ids.ForEach(json.WriteNumberValue);
            json.WriteEndArray();
            json.WriteStartArray("pieces");
            encoded.Ids.ForEach(id => json.WriteStringValue(tokenizer.PieceOf(id)));
            json.WriteEndArray();
            json.WriteStartArray("offsets");
            foreach ((int start, int end) in encoded.Offsets)
            {
                json.WriteStartArray();
                json.WriteNumberValue(start);
                json.WriteNumberValue(end);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }
}
