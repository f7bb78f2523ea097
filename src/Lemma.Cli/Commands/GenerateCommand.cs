using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Lemma.Cli.Parsing;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Text;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma generate</c>: continues a prompt, token by token.</summary>
internal static class GenerateCommand
{
    public static Command Build()
    {
        Argument<string> model = new("MODEL") { Description = "A model's folder, a run's, or a checkpoint of llama2.c" };
        Option<string?> prompt = Choice.Text("--prompt", "TEXT", "What to continue; - reads it from standard input", "-p");
        Option<bool> json = Choice.Flag("--json", "One JSON object instead of text: prompt, text, ids, seconds");
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

    /// <summary>Writes the pieces of text as they come behind a prompt, until the model ends it or <paramref name="goOn"/> refuses a piece.</summary>
    public static List<int> Stream(
        Tokenizer tokenizer, Generator generator, ReadOnlySpan<int> prompt, CancellationToken cancellation, Func<string, bool>? goOn = null)
    {
        StreamingDecoder decoder = new(tokenizer, prompt: prompt);
        List<int> ids = [];
        while (generator.TryNext(out int id))
        {
            cancellation.ThrowIfCancellationRequested();
            ids.Add(id);
            string piece = decoder.Append(id);
            if (goOn != null && !goOn(piece))
                return ids;
            Console.Write(piece);
            Console.Out.Flush();
        }
        Console.Write(decoder.Finish());
        return ids;
    }

    private static int Run(string path, string prompt, GenerationOptions options, int? threads, bool json)
    {
        using LanguageModel model = LanguageModel.Load(ModelPath.Find(path), threads);
        using Interruption interruption = new();
        string text = prompt == "-" ? Console.In.ReadToEnd().TrimEnd('\r', '\n') : prompt;
        using Generator generator = model.NewGenerator();
        int[] ids = model.Prompt(text);
        generator.Start(ids, options);
        if (json)
        {
            WriteJson(model, generator, text, ids, interruption.Token);
            return CommandLine.Done;
        }
        Console.Write(text);
        Stream(model.Tokenizer, generator, ids, interruption.Token);
        Console.WriteLine();
        return CommandLine.Done;
    }

    private static void WriteJson(LanguageModel model, Generator generator, string prompt, int[] promptIds, CancellationToken cancellation)
    {
        List<int> ids = [];
        StreamingDecoder decoder = new(model.Tokenizer, prompt: promptIds);
        StringBuilder text = new();
        Stopwatch watch = Stopwatch.StartNew();
        while (generator.TryNext(out int id))
        {
            cancellation.ThrowIfCancellationRequested();
            ids.Add(id);
            text.Append(decoder.Append(id));
        }
        text.Append(decoder.Finish());
        watch.Stop();
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("prompt", prompt);
            json.WriteString("text", text.ToString());
            json.WriteStartArray("ids");
            foreach (int id in ids)
                json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteNumber("seconds", Math.Round(watch.Elapsed.TotalSeconds, 6));
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }
}
