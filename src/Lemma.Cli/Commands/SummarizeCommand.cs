using System.CommandLine;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.LongText;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma summarize</c>: a summary of a text that may be longer than the model's longest sequence.</summary>
internal static class SummarizeCommand
{
    private const string StandardInput = "-";

    public static Command Build()
    {
        SummarizerOptions usual = new();
        Argument<string> model = TextInput.Model();
        Argument<string> file = new("FILE") { Description = "A file of text; - reads standard input" };
        Option<int?> tokens = Choice.Whole("--tokens", "The most tokens of a summary; an eighth of the longest sequence, at most 256, without it");
        Option<int?> words = Choice.Whole("--words", "The words that the model is asked for", fallback: usual.Words);
        Option<int?> chunk = Choice.Whole("--chunk", "The most tokens of a piece; what fits, at most 2048, without it");
        Option<int?> overlap = Choice.Whole("--overlap", "The most tokens that a piece of the text has of the one before", least: 0, fallback: usual.Overlap);
        Option<int?> levels = Choice.Whole("--levels", "The most levels; 2 summarizes the pieces, then all summaries at once; as many as it takes without it");
        Option<string?> prompt = Choice.Text("--prompt", "TEXT", "What is asked of a piece, with {text} and, if need be, {words}");
        Option<string?> mergePrompt = Choice.Text("--merge-prompt", "TEXT", "What is asked of summaries together, with {text} and, if need be, {words}");
        Option<string?> resume = Choice.Text("--resume", "FILE", "Keep finished pieces in this file, and go on from those that are there");
        Option<Encoding?> encoding = Choice.TextEncoding();
        Option<bool> json = Choice.Flag("--json", "One JSON object: the summary, and the pieces of every level with their places");
        Option<int?> threads = Choice.Threads();
        Command command = new("summarize", "Summarize a text of any length: its pieces, then their summaries, until one is left.")
        {
            model, file, tokens, words, chunk, overlap, levels, prompt, mergePrompt, resume, encoding, json, threads,
        };
        Examples.Add(command,
            ("a book in a hundred words", "lemma summarize models/assistant book.txt"),
            ("so that it can be interrupted and go on", "lemma summarize models/assistant book.txt --resume book.summary.json"),
            ("with words of your own", "lemma summarize models/assistant notes.txt --prompt \"Who did what? {text}\" --merge-prompt \"In {words} words: {text}\""),
            ("pieces and places for another program", "lemma summarize models/assistant book.txt --chunk 1000 --tokens 150 --json"));
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model), parsed.GetRequiredValue(file), parsed.GetValue(encoding), new SummarizerOptions
        {
            PiecePrompt = parsed.GetValue(prompt) ?? usual.PiecePrompt,
            MergePrompt = parsed.GetValue(mergePrompt) ?? usual.MergePrompt,
            Words = parsed.GetValue(words)!.Value,
            Generation = parsed.GetValue(tokens) is { } most ? GenerationOptions.Greedy with { MaximumTokens = most } : null,
            PieceTokens = parsed.GetValue(chunk),
            Overlap = parsed.GetValue(overlap)!.Value,
            MaximumLevels = parsed.GetValue(levels),
        }, parsed.GetValue(resume), parsed.GetValue(json), parsed.GetValue(threads)));
        return command;
    }

    private static int Run(string path, string file, Encoding? encoding, SummarizerOptions options, string? resume, bool json, int? threads)
    {
        string text = file == StandardInput ? Console.In.ReadToEnd() : TextFiles.ReadText(file, encoding);
        using LanguageModel model = LanguageModel.Load(ModelPath.Find(path), threads);
        using Interruption interruption = new();
        Summary summary;
        using (LevelLines lines = new())
        {
            try
            {
                summary = new Summarizer(model, options).Summarize(text, resume, lines, interruption.Token);
            }
            catch (OperationCanceledException) when (resume is not null)
            {
                lines.Dispose();
                Console.Error.WriteLine($"summarize: the finished pieces are in {resume}, and the same command goes on from there");
                throw;
            }
        }
        if (json)
            Write(summary);
        else
            Console.Out.WriteLine(summary.Text);
        return CommandLine.Done;
    }

    private static void Write(Summary summary) => JsonLine.Write(json =>
    {
        json.WriteString("text", summary.Text);
        json.WriteStartArray("levels");
        foreach (IReadOnlyList<SummaryPiece> level in summary.Levels)
        {
            json.WriteStartArray();
            foreach ((TextChunk chunk, string text) in level)
            {
                json.WriteStartObject();
                json.WriteNumber("start", chunk.Start);
                json.WriteNumber("length", chunk.Length);
                json.WriteNumber("first_token", chunk.FirstToken);
                json.WriteNumber("tokens", chunk.TokenCount);
                json.WriteString("text", text);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndArray();
    });

    /// <summary>A line of progress for each level.</summary>
    private sealed class LevelLines : IProgress<SummaryProgress>, IDisposable
    {
        private ProgressLine? line;

        public void Report(SummaryProgress value)
        {
            if (value.Done == 0)
            {
                Dispose();
                line = new ProgressLine($"pieces of level {value.Level}", value.All);
            }
            line?.Report(value.Done);
        }

        public void Dispose()
        {
            line?.Dispose();
            line = null;
        }
    }
}
