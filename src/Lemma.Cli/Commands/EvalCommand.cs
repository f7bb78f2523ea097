using System.CommandLine;
using System.Globalization;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Cli.NGrams;
using Lemma.Cli.Parsing;
using Lemma.Cli.Tasks;
using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Language;
using Lemma.Models;
using Lemma.Sequences;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma eval</c>: loss, perplexity and bits a byte of a model on text files; what it reaches in a task; two models on the same items.</summary>
internal static class EvalCommand
{
    public static Command Build()
    {
        Argument<string[]> models = new("MODEL")
        {
            Description = "A model's folder, a run's, a GGUF file, or a checkpoint of llama2.c; two to compare them",
            Arity = new ArgumentArity(1, 2),
        };
        Option<string[]> data = new("--data")
        {
            Description = "Files, folders or globs of text",
            HelpName = "FILE|FOLDER|GLOB",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<int?> length = Choice.Whole("--length", "Tokens of a window; the model's longest sequence without it");
        Option<int?> stride = Choice.Whole("--stride", "How far the window moves; half its length without it");
        Option<Encoding?> encoding = Choice.TextEncoding();
        Option<CacheFormat?> cacheFormat = Choice.CacheFormat();
        Option<int?> threads = Choice.Threads();
        Option<string[]> baseline = new("--baseline")
        {
            Description = "Text to count: the loss of its n-gram model stands beside the model's. That which the model learned from is fair",
            HelpName = "FILE|FOLDER|GLOB",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<int?> order = Choice.Whole("--order", "The order of the n-gram model", most: NGramCounts.MostOrder, fallback: Baseline.Order);
        Option<bool> json = Choice.Flag("--json", "The scores as JSON, of a task with every answer; with --task or two models");
        TaskOptions tasks = new();
        Command command = new("eval", "Measure how well a model predicts a text, or what it reaches in a task; or compare two.")
        {
            models, data, length, stride, baseline, order, encoding,
        };
        tasks.AddTo(command);
        command.Add(json);
        command.Add(cacheFormat);
        command.Add(threads);
        Examples.Add(command,
            ("loss, perplexity and bits a byte", "lemma eval runs/book --data other.txt"),
            ("beside a 4-gram model of what it learned from", "lemma eval runs/book --data other.txt --baseline book.txt"),
            ("with as much context as there is, slowly", "lemma eval runs/book --data other.txt --stride 1"),
            ("which of two predicts a text better", "lemma eval runs/book runs/other --data other.txt"),
            ("questions, choices or texts to complete, from a file", "lemma eval runs/book --task questions.jsonl"),
            ("with four examples before each, from another file", "lemma eval runs/book --task questions.jsonl --shots 4 --shots-file examples.jsonl"),
            ("with keys and values in 8 bits", "lemma eval runs/book --data other.txt --cache-format q8_0"),
            ("two models on built-in questions", "lemma eval runs/full/sft runs/full/dpo --task stories --short-stories"));
        command.SetAction(parsed =>
        {
            string[] paths = parsed.GetRequiredValue(models);
            bool isText = Choice.IsGiven(parsed, data), isTask = tasks.IsGiven(parsed);
            if (isText == isTask)
                throw new UsageException(isText ? "--task: texts are --data, which is given too" : "either --data or --task is required");
            if (isTask)
                foreach (Option option in (ReadOnlySpan<Option>)[length, stride, baseline, order])
                    Choice.RequireBeside(parsed, option, data);
            else
                tasks.RequireNone(parsed, withSeed: paths.Length == 2);
            if (Choice.IsGiven(parsed, json) && isText && paths.Length == 1)
                throw new UsageException("--json: it is for --task or two models");
            if (Choice.IsGiven(parsed, baseline) && paths.Length == 2)
                throw new UsageException("--baseline: it stands beside one model, but two are given");
            Encoding? read = parsed.GetValue(encoding);
            int? workers = parsed.GetValue(threads);
            CacheFormat? kept = parsed.GetValue(cacheFormat);
            return isTask ? TaskRun.Run(paths, tasks.Make(parsed, read), tasks.AnswerTokens(parsed), tasks.Judge(parsed, paths.Length),
                tasks.Seed(parsed), parsed.GetValue(json), workers, kept)
                : paths.Length == 2 ? TextComparison.Run(paths, parsed.GetValue(data)!, parsed.GetValue(length), parsed.GetValue(stride), read, tasks.Seed(parsed),
                    parsed.GetValue(json), workers, kept)
                : Run(paths[0], parsed.GetValue(data)!, parsed.GetValue(length), parsed.GetValue(stride), parsed.GetValue(baseline) ?? [],
                    parsed.GetValue(order)!.Value, read, workers, kept);
        });
        return command;
    }

    private static int Run(string path, string[] data, int? length, int? stride, string[] baseline, int order, Encoding? encoding, int? threads,
        CacheFormat? cacheFormat)
    {
        List<TextDocument> documents = TextFiles.Read(data, encoding);
        using LanguageModel model = LoadDecoder(path, threads, out Lemma.Models.Decoder decoder, cacheFormat);
        using Interruption interruption = new();
        int window = length ?? decoder.MaximumLength, step = stride ?? Math.Max(1, window / 2);
        string[] texts = [.. documents.Select(document => document.Text)];
        TextResult result = TextEvaluator.Evaluate(decoder, model.Tokenizer, model.Workers, texts, window, step, cancellation: interruption.Token);
        ResultTable.Write($"{path} on {string.Join(", ", data)}",
        [
            ("loss", $"{Amount.Loss(result.Loss)} nats a token"),
            ("beside others", Baseline.Beside(result.Loss, Others(baseline, order, encoding, model, decoder, texts, threads))),
            ("perplexity", Amount.Perplexity(result.Loss)),
            ("bits a byte", result.BitsPerByte.ToString("0.0000", CultureInfo.InvariantCulture)),
            ("tokens", Amount.Count(result.Tokens)),
            ("bytes", Amount.Count(result.Bytes)),
            ("window", $"{window}, moved by {step}"),
        ]);
        return CommandLine.Done;
    }

    /// <summary>A model that is a decoder; the caller disposes it.</summary>
    internal static LanguageModel LoadDecoder(string path, int? threads, out Lemma.Models.Decoder decoder, CacheFormat? cacheFormat = null)
    {
        LanguageModel model = LanguageModel.Load(ModelPath.Find(path), threads, cacheFormat);
        if (model.Model is Lemma.Models.Decoder read)
        {
            decoder = read;
            return model;
        }
        model.Dispose();
        throw new InvalidDataException($"the model in '{path}' reads a source with an encoder; a text alone is evaluated by a decoder");
    }

    private static string Others(string[] baseline, int order, Encoding? encoding, LanguageModel model, Lemma.Models.Decoder decoder, string[] texts, int? threads)
    {
        double uniform = Math.Log(model.Tokenizer.VocabularySize);
        if (baseline.Length == 0)
            return $"uniform {Amount.Loss(uniform)} nats a token";
        int? begin = decoder.Config.BeginId ?? decoder.Config.EndId;
        string[] counted = [.. TextFiles.Read(baseline, encoding).Select(document => document.Text)];
        int[][] ids = model.Tokenizer.EncodeBatch(counted, addSpecialTokens: false, threads);
        NGramCounts counts = Baseline.Count(ids, order, model.Tokenizer.VocabularySize, NGramMarks.Same(begin));
        NGramModel counting = NGramModel.Estimate(counts, new KneserNeySmoothing());
        return Baseline.Line(order, NGramEvaluator.Evaluate(counting, model.Tokenizer, texts, countsFirst: begin is not null).Loss, uniform);
    }
}
