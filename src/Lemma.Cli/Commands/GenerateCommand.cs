using System.CommandLine;
using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Decoding;
using Lemma.Language;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma generate</c>: continues a prompt, token by token.</summary>
internal static class GenerateCommand
{
    public static Command Build()
    {
        Argument<string> model = new("MODEL") { Description = "A model's folder, a run's, or a checkpoint of llama2.c" };
        Option<string?> prompt = Choice.Text("--prompt", "TEXT", "What to continue; - reads it from standard input", "-p");
        Option<bool> json = Choice.Flag("--json", "One JSON object instead of text: prompt, text, ids, the text it stopped at, seconds");
        Option<int?> threads = Choice.Threads();
        SamplingOptions sampling = new();
        Command command = new("generate", "Let a model continue a text.") { model, prompt };
        sampling.AddTo(command);
        command.Add(threads);
        command.Add(json);
        Examples.Add(command,
            ("continue a text", "lemma generate runs/book --prompt \"It was a\""),
            ("the likeliest continuation, always the same", "lemma generate runs/book --prompt \"It was a\" --temperature 0"),
            ("for another program", "echo It was a | lemma generate runs/book --prompt - --json"));
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model), parsed.GetValue(prompt) ?? "", sampling.Read(parsed),
            parsed.GetValue(threads), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string path, string prompt, GenerationOptions options, int? threads, bool json)
    {
        using LanguageModel model = LanguageModel.Load(ModelPath.Find(path), threads);
        using Interruption interruption = new();
        string text = prompt == "-" ? StandardInput.ReadToEnd().TrimEnd('\r', '\n') : prompt;
        using Generator generator = model.NewGenerator();
        Stopwatch watch = Stopwatch.StartNew();
        TextStream stream = new(generator, model.Tokenizer, model.Prompt(text), options);
        if (json)
        {
            string made = string.Concat(stream.Pieces(interruption.Token));
            WriteJson(stream, text, made, watch.Elapsed);
            return CommandLine.Done;
        }
        WordWriter writer = WordWriter.ForConsole();
        try
        {
            writer.Write(text);
            foreach (string piece in stream.Pieces(interruption.Token))
                writer.Write(piece);
        }
        finally
        {
            // What was said stays on the screen, after Ctrl-C as well.
            writer.EndLine();
        }
        return CommandLine.Done;
    }

    private static void WriteJson(TextStream stream, string prompt, string text, TimeSpan time)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("prompt", prompt);
            json.WriteString("text", text);
            json.WriteStartArray("ids");
            foreach (int id in stream.Ids)
                json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteString("stop", stream.Stop);
            json.WriteNumber("seconds", Math.Round(time.TotalSeconds, 6));
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }
}
