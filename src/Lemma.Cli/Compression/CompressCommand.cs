using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Lemma.Cli.Display;
using Lemma.Cli.NGrams;
using Lemma.Cli.Parsing;
using Lemma.Evaluation.Compression;
using Lemma.Formats;
using Lemma.Language;

namespace Lemma.Cli.Compression;

/// <summary><c>lemma compress</c> and <c>lemma decompress</c>: lossless, by a model and an arithmetic coder.</summary>
internal static class CompressCommand
{
    private const string Suffix = ".lemma";

    public static Command BuildCompress()
    {
        Argument<string> file = new("FILE") { Description = "Any file" };
        (Option<string?> model, Option<string?> ngram) = Models();
        Option<string?> output = Choice.Text("--out", "FILE", $"The compressed file; FILE{Suffix} without it");
        Option<int?> length = Choice.Whole("--length", "Tokens of a window; the model's longest sequence without it");
        Option<int?> stride = Choice.Whole("--stride", "How far a full window moves; half its length without it");
        Option<bool> compare = Choice.Flag("--compare", "Tell as well what brotli makes of it, and zstd and xz where their tools are there");
        Option<bool> force = Choice.Flag("--force", "Write over a file that is there");
        Option<int?> threads = Choice.Threads();
        Command command = new("compress", "Compress a file by a model's predictions, without loss.")
        {
            file, model, ngram, output, length, stride, compare, force, threads,
        };
        Examples.Add(command,
            ("by a model of such texts", "lemma compress notes.txt --model runs/notes"),
            ("by an n-gram model, beside other compressors", "lemma compress notes.txt --ngram runs/ngram --compare"),
            ("and back", "lemma decompress notes.txt.lemma --model runs/notes --out same.txt"));
        command.SetAction(parsed =>
        {
            string from = Existing(parsed.GetRequiredValue(file)), to = parsed.GetValue(output) ?? from + Suffix;
            RequireNew(to, parsed.GetValue(force));
            Choice.RequireBeside(parsed, length, model);
            Choice.RequireBeside(parsed, stride, model);
            byte[] content = File.ReadAllBytes(from);
            return With(parsed.GetValue(model), parsed.GetValue(ngram), parsed.GetValue(length), parsed.GetValue(stride), parsed.GetValue(threads), coding =>
            {
                using Interruption interruption = new();
                using ShareLine line = new("compressed");
                Stopwatch watch = Stopwatch.StartNew();
                CompressedText made = TextCompressor.Compress(coding, content, line, interruption.Token);
                double seconds = watch.Elapsed.TotalSeconds;
                AtomicFile.Write(to, stream => stream.Write(made.Bytes));
                line.Dispose();
                List<(string, string)> rows =
                [
                    ("bytes", Amount.Count(content.Length)),
                    ("compressed", Rate(made.Bytes.Length, content.Length)),
                    ("of it the code", Rate(made.CodeBytes, content.Length)),
                    ("tokens", $"{Amount.Count(made.Tokens)}, {Amount.Count(made.Tokens / seconds)} a second"),
                ];
                if (made.Escaped > 0)
                    rows.Add(("bytes that are no text", Amount.Count(made.Escaped)));
                if (parsed.GetValue(compare))
                    rows.AddRange(OtherCompressors.Measure(from, content).Select(other => (other.Name, Rate(other.Bytes, content.Length))));
                rows.Add(("file", to));
                ResultTable.Write($"{from} by {parsed.GetValue(model) ?? parsed.GetValue(ngram)}", rows);
                return CommandLine.Done;
            });
        });
        return command;
    }

    public static Command BuildDecompress()
    {
        Argument<string> file = new("FILE") { Description = "A file of lemma compress" };
        (Option<string?> model, Option<string?> ngram) = Models();
        Option<string?> output = Choice.Text("--out", "FILE", $"The file; without it the name without {Suffix}");
        Option<bool> force = Choice.Flag("--force", "Write over a file that is there");
        Option<int?> threads = Choice.Threads();
        Command command = new("decompress", "Give a compressed file back, by the model that compressed it.") { file, model, ngram, output, force, threads };
        Examples.Add(command, ("give it back", "lemma decompress notes.txt.lemma --model runs/notes --out same.txt"));
        command.SetAction(parsed =>
        {
            string from = Existing(parsed.GetRequiredValue(file));
            string to = parsed.GetValue(output) ?? (from.EndsWith(Suffix, StringComparison.Ordinal) ? from[..^Suffix.Length]
                : throw new UsageException($"--out is needed, since '{from}' does not end in {Suffix}"));
            RequireNew(to, parsed.GetValue(force));
            byte[] bytes = File.ReadAllBytes(from);
            return With(parsed.GetValue(model), parsed.GetValue(ngram), null, null, parsed.GetValue(threads), coding =>
            {
                using Interruption interruption = new();
                using ShareLine line = new("decompressed");
                byte[] content = TextCompressor.Decompress(coding, bytes, line, interruption.Token);
                AtomicFile.Write(to, stream => stream.Write(content));
                line.Dispose();
                Console.WriteLine($"{to}: {Amount.Count(content.Length)} bytes");
                return CommandLine.Done;
            });
        });
        return command;
    }

    private static (Option<string?> Model, Option<string?> NGram) Models() =>
        (Choice.Text("--model", "MODEL", "A decoder that predicts the text: a model's folder, a run's, or a checkpoint of llama2.c"),
            Choice.Text("--ngram", "DIR", "The folder of an n-gram model, in its place"));

    private static int With(string? model, string? ngram, int? length, int? stride, int? threads, Func<CodingModel, int> run)
    {
        if (model is null == ngram is null)
            throw new UsageException("--model or --ngram is needed, and one of them alone");
        if (ngram is not null)
        {
            (Lemma.Models.NGramModel counted, Lemma.Text.Tokenizer tokenizer) = NGramFolder.Read(ngram);
            return run(CodingModel.Of(counted, tokenizer));
        }
        using LanguageModel loaded = LanguageModel.Load(ModelPath.Find(model!), threads);
        if (loaded.Model is not Lemma.Models.Decoder decoder)
            throw new InvalidDataException($"the model in '{model}' reads a source with an encoder; a text is compressed by a decoder");
        return run(CodingModel.Of(decoder, loaded.Tokenizer, loaded.Workers, length, stride));
    }

    private static string Existing(string file) => File.Exists(file) ? file : throw new FileNotFoundException($"there is no file '{file}'");

    private static void RequireNew(string file, bool force)
    {
        if (Directory.Exists(file) || (File.Exists(file) && !force))
            throw new UsageException($"--out: '{file}' exists already; --force writes over it");
    }

    private static string Rate(long bytes, long content) => string.Create(CultureInfo.InvariantCulture,
        $"{bytes:#,0} bytes{(content > 0 ? string.Create(CultureInfo.InvariantCulture, $", {8.0 * bytes / content:0.0000} bits a byte") : "")}");
}
