using System.CommandLine;
using System.Globalization;
using System.Text;
using Lemma.Checkpoints;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Cli.Tuning;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Formats;
using Lemma.Language;
using Lemma.Language.Exports;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma convert</c>: a model's folder as a GGUF file, or a GGUF file as a folder; what rounding did, and what a text says of it.</summary>
internal static class ConvertCommand
{
    private const string Suffix = ".gguf";

    public static Command Build()
    {
        Argument<string> source = new("IN") { Description = "A model's folder, a run's, a GGUF file, or a checkpoint of llama2.c" };
        Argument<string> target = new("OUT") { Description = "A file that ends in .gguf, or else a folder" };
        Option<string?> type = Choice.Text("--type", "TYPE", $"How a GGUF file stores matrices: {string.Join(", ", GgufMix.Names)}; F16 without it");
        Option<string[]> text = new("--text")
        {
            Description = "Text: the perplexity of the model on it, before and after",
            HelpName = "FILE|FOLDER|GLOB",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> importance = Choice.Text("--imatrix", "FILE", "Which columns matter, by lemma imatrix or llama-imatrix: their errors are kept smaller");
        Option<int?> length = Choice.Whole("--length", "Tokens of a window on the text; the model's longest sequence without it");
        Option<Encoding?> encoding = Choice.TextEncoding();
        Option<int?> threads = Choice.Threads();
        Command command = new("convert", "Write a model as a GGUF file, or a GGUF file as a folder.")
        {
            source, target, type, importance, text, length, encoding, threads,
        };
        Examples.Add(command,
            ("a quarter of the size, for llama.cpp", "lemma convert runs/book book.gguf --type Q8_0"),
            ("smaller, and what that costs on a text", "lemma convert runs/book book.gguf --type Q4_K_M --text other.txt"),
            ("a folder for training or for transformers", "lemma convert model.gguf folder"));
        command.SetAction(parsed =>
        {
            Choice.RequireBeside(parsed, length, text);
            Choice.RequireBeside(parsed, encoding, text);
            string output = parsed.GetRequiredValue(target);
            bool isGguf = output.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase);
            if (!isGguf && parsed.GetValue(type) is not null)
                throw new UsageException($"--type: it is for files that end in {Suffix}, which '{output}' does not");
            if (!isGguf && parsed.GetValue(importance) is not null)
                throw new UsageException($"--imatrix: it is for files that end in {Suffix}, which '{output}' does not");
            string[] texts = Choice.IsGiven(parsed, text)
                ? [.. TextFiles.Read(parsed.GetValue(text)!, parsed.GetValue(encoding)).Select(document => document.Text)] : [];
            return Run(parsed.GetRequiredValue(source), output, isGguf ? MixOf(parsed.GetValue(type) ?? "F16") : null,
                parsed.GetValue(importance) is { } file ? ImportanceMatrix.Read(file) : null, texts, parsed.GetValue(length), parsed.GetValue(threads));
        });
        return command;
    }

    private static GgufMix MixOf(string name)
    {
        try
        {
            return GgufMix.Find(name);
        }
        catch (ArgumentException error)
        {
            throw new UsageException($"--type: {error.Message}");
        }
    }

    private static int Run(string source, string target, GgufMix? mix, ImportanceMatrix? importance, string[] texts, int? length, int? threads)
    {
        ModelFiles files = ModelFiles.Find(ModelPath.Find(source));
        Tokenizer tokenizer = files.ReadTokenizer();
        ChatTemplate? template = files.ReadTemplate();
        using Workers workers = new(threads);
        List<(string Name, string Value)> rows = [];
        using (Model model = ModelFolder.Read(files.Weights))
        {
            if (texts.Length > 0)
                rows.Add(("perplexity before", Perplexity(model, tokenizer, workers, texts, length, source)));
            if (mix is null)
                rows.Add(("family", WriteFolder(target, model, tokenizer, files)));
            else
                rows.AddRange(WriteGguf(target, model, tokenizer, template, mix, importance, workers));
        }
        if (texts.Length > 0)
        {
            ModelFiles written = ModelFiles.Find(target);
            using Model model = ModelFolder.Read(written.Weights);
            rows.Add(("perplexity after", Perplexity(model, written.ReadTokenizer(), workers, texts, length, target)));
        }
        ResultTable.Write(target, rows);
        return CommandLine.Done;
    }

    private static string WriteFolder(string target, Model model, Tokenizer tokenizer, ModelFiles files)
    {
        AtomicFolder.Write(target, folder =>
        {
            ModelFolder.WriteInto(folder, model);
            tokenizer.Save(Path.Combine(folder, "tokenizer.json"));
            TunedModel.CopyCompanions(files, folder);
        });
        using Model read = ModelFolder.Read(target);
        return $"{read.Origin}, {Amount.Count(read.Parameters.Count)} parameters";
    }

    private static IEnumerable<(string Name, string Value)> WriteGguf(string target, Model model, Tokenizer tokenizer, ChatTemplate? template, GgufMix mix,
        ImportanceMatrix? importance, Workers workers)
    {
        const long Unit = 1 << 20;
        GgufWritten written;
        using (ByteProgress progress = new())
            written = GgufExport.Write(target, model, tokenizer, template, mix, workers, progress.Report, importance?.Values);
        yield return ("architecture", $"{written.Architecture}, {mix.Name}");
        if (importance is not null)
            yield return ("importance", $"of {written.Rounding.Count(tensor => importance.Values.ContainsKey(tensor.Name))} of {written.Rounding.Count} tensors");
        if (written.LeftOut.Count > 0)
            yield return ("left out", string.Join(", ", written.LeftOut));
        foreach (IGrouping<string, GgufRounding> type in written.Rounding.GroupBy(tensor => tensor.Type)
            .OrderByDescending(group => group.Sum(tensor => tensor.Elements)))
        {
            double error = Math.Sqrt(type.Sum(tensor => tensor.SquaredError) / Math.Max(double.Epsilon, type.Sum(tensor => tensor.SquaredSize)));
            yield return (type.Key, string.Create(CultureInfo.InvariantCulture,
                $"{type.Count()} tensors, {Amount.Count(type.Sum(tensor => tensor.Elements))} numbers, rounded by {100 * error:0.000} % of their size"));
        }
        yield return ("file", string.Create(CultureInfo.InvariantCulture, $"{new FileInfo(target).Length / (double)Unit:0.0} MiB"));
    }

    private static string Perplexity(Model model, Tokenizer tokenizer, Workers workers, string[] texts, int? length, string path)
    {
        if (model is not Lemma.Models.Decoder decoder)
            throw new InvalidDataException($"the model in '{path}' has an encoder; a text alone is evaluated by a decoder");
        int window = length ?? decoder.MaximumLength;
        TextResult result = TextEvaluator.Evaluate(decoder, tokenizer, workers, texts, window, Math.Max(1, window / 2));
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Exp(result.Loss):0.0000}, {Amount.Count(result.Tokens)} tokens");
    }

    // Bytes that are written, in megabytes on a line that is written over.
    private sealed class ByteProgress : IDisposable
    {
        private const long Megabyte = 1_000_000;
        private ProgressLine? line;

        public void Report(long written, long total)
        {
            line ??= new ProgressLine("MB", (int)Math.Min(int.MaxValue, total / Megabyte));
            line.Report((int)(written / Megabyte));
        }

        public void Dispose() => line?.Dispose();
    }
}
