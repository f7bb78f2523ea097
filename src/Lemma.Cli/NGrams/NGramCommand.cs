using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lemma.Cli.Commands;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;

namespace Lemma.Cli.NGrams;

/// <summary><c>lemma ngram</c>: n-gram models from text to an ARPA file, their perplexity, their samples.</summary>
internal static class NGramCommand
{
    public static Command Build()
    {
        Command command = new("ngram", "Count n-grams: train a model, measure it, let it write.") { BuildTrain(), BuildEval(), BuildSample() };
        Examples.Add(command,
            ("a 4-gram model of a text", "lemma ngram train --data book.txt --out runs/ngram"),
            ("how well it predicts another", "lemma ngram eval runs/ngram --data other.txt"),
            ("what it writes", "lemma ngram sample runs/ngram --prompt \"It was a\""));
        command.SetAction(parsed => Examples.ShowHelp(parsed, command));
        return command;
    }

    private static Command BuildTrain()
    {
        Option<string[]> data = Data();
        Option<string?> tokenizer = Choice.Text("--tokenizer", "PATH", "A model's folder or a tokenizer's file; without it one is trained on the data");
        Option<int?> vocabulary = Choice.Whole("--vocab", "Ids of the byte-level BPE vocabulary that is trained; 1024 without it", least: 257, most: 1 << 20);
        Option<bool> characters = Choice.Flag("--char", "Train a vocabulary of characters instead");
        Option<int?> order = Choice.Whole("--order", "n: a token is predicted from n − 1 before it", most: NGramCounts.MostOrder, fallback: Baseline.Order);
        Option<string> smoothing = new("--smoothing") { Description = "How counts become probabilities", DefaultValueFactory = static _ => "modified-kneser-ney" };
        smoothing.AcceptOnlyFromAmong("modified-kneser-ney", "kneser-ney", "katz");
        Option<double?> prune = Choice.Number("--prune", "Leave out n-grams without which the perplexity rises by less than this share; 1e-8, say",
            least: double.Epsilon);
        Option<string> folder = new("--out") { Description = "The folder for ngram.arpa and tokenizer.json", HelpName = "DIR", Required = true };
        Option<bool> force = Choice.Flag("--force", "Write over what is in the folder");
        Option<Encoding?> encoding = Choice.TextEncoding();
        Option<int?> threads = Choice.Threads();
        Command command = new("train", "Count the n-grams of texts, and write a model as an ARPA file.")
        {
            data, tokenizer, vocabulary, characters, order, smoothing, prune, folder, force, encoding, threads,
        };
        Examples.Add(command,
            ("over the tokens of a model, to compare with it", "lemma ngram train --data book.txt --tokenizer runs/book --out runs/ngram"),
            ("five letters, not one seldom used", "lemma ngram train --data book.txt --char --order 6 --prune 1e-7 --out runs/letters"));
        command.SetAction(parsed =>
        {
            Tokenizer? given = null;
            if (parsed.GetValue(tokenizer) is { } path)
            {
                if (parsed.GetValue(vocabulary) is not null || parsed.GetValue(characters))
                    throw new UsageException("--tokenizer: it has its own vocabulary, so --vocab and --char have no meaning beside it");
                given = Tokenizer.Load(ModelPath.Find(path));
            }
            string output = parsed.GetRequiredValue(folder);
            if (File.Exists(output) || (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any() && !parsed.GetValue(force)))
                throw new UsageException($"--out: '{output}' exists already; --force writes over it");
            NGramSmoothing chosen = parsed.GetRequiredValue(smoothing) switch
            {
                "katz" => new KatzSmoothing(),
                string name => new KneserNeySmoothing { Modified = name == "modified-kneser-ney" },
            };
            List<TextDocument> documents = TextFiles.Read(parsed.GetRequiredValue(data), parsed.GetValue(encoding));
            string[] texts = [.. documents.Select(document => document.Text)];
            given ??= Train(texts, parsed.GetValue(characters), parsed.GetValue(vocabulary) ?? 1024);
            return Train(texts, given, parsed.GetValue(order)!.Value, chosen, parsed.GetValue(prune), output, parsed.GetValue(threads));
        });
        return command;
    }

    private static Tokenizer Train(string[] texts, bool characters, int vocabulary)
    {
        using TrainerLine line = new();
        return characters ? CharacterTrainer.Train(texts, new CharacterTrainerOptions { SpecialTokens = [TrainCommand.EndOfText] }, line)
            : BpeTrainer.Train(texts, new BpeTrainerOptions { VocabularySize = vocabulary, SpecialTokens = [TrainCommand.EndOfText] }, line);
    }

    private static int Train(string[] texts, Tokenizer tokenizer, int order, NGramSmoothing smoothing, double? prune, string folder, int? threads)
    {
        NGramMarks marks = NGramFolder.Marks(tokenizer);
        int[][] ids = tokenizer.EncodeBatch(texts, addSpecialTokens: false, threads);
        Stopwatch watch = Stopwatch.StartNew();
        NGramCounts counts = Baseline.Count(ids, order, tokenizer.VocabularySize, marks);
        NGramModel model = NGramModel.Estimate(counts, smoothing);
        if (prune is { } threshold)
            model = model.Pruned(threshold);
        TimeSpan time = watch.Elapsed;
        NGramFolder.Write(folder, model, tokenizer);
        List<(string, string)> rows = [("tokens", Amount.Count(counts.Tokens))];
        for (int k = 1; k <= order; k++)
        {
            string discounts = string.Join(" ", model.Discounts[k - 1].Select(d => d.ToString("0.000", CultureInfo.InvariantCulture)));
            rows.Add(($"{k}-grams", $"{Amount.Count(model.Count(k))}{(discounts.Length > 0 ? $", discounts {discounts}" : "")}"));
        }
        rows.AddRange([("time", Amount.Time(time)), ("model", Path.Combine(folder, NGramFolder.ModelName)), ("try it", $"lemma ngram sample {folder}")]);
        ResultTable.Write($"{order}-gram model of {Amount.Count(texts.Length)} {(texts.Length == 1 ? "text" : "texts")}", rows);
        return CommandLine.Done;
    }

    private static Command BuildEval()
    {
        Argument<string> folder = Folder();
        Option<string[]> data = Data();
        Option<Encoding?> encoding = Choice.TextEncoding();
        Command command = new("eval", "Measure how well an n-gram model predicts a text.") { folder, data, encoding };
        Examples.Add(command, ("loss, perplexity and bits a byte", "lemma ngram eval runs/ngram --data other.txt"));
        command.SetAction(parsed =>
        {
            (NGramModel model, Tokenizer tokenizer) = NGramFolder.Read(parsed.GetRequiredValue(folder));
            string[] files = parsed.GetRequiredValue(data);
            TextResult result = NGramEvaluator.Evaluate(model, tokenizer, [.. TextFiles.Read(files, parsed.GetValue(encoding)).Select(document => document.Text)]);
            ResultTable.Write($"{parsed.GetRequiredValue(folder)} on {string.Join(", ", files)}",
            [
                ("loss", $"{Amount.Loss(result.Loss)} nats a token; uniform {Amount.Loss(model.UniformLoss)}"),
                ("perplexity", Amount.Perplexity(result.Loss)),
                ("bits a byte", result.BitsPerByte.ToString("0.0000", CultureInfo.InvariantCulture)),
                ("tokens", Amount.Count(result.Tokens)),
                ("bytes", Amount.Count(result.Bytes)),
            ]);
            return CommandLine.Done;
        });
        return command;
    }

    private static Command BuildSample()
    {
        Argument<string> folder = Folder();
        Option<string?> prompt = Choice.Text("--prompt", "TEXT", "What to continue; without it a text begins", "-p");
        Option<int?> tokens = Choice.Whole("--tokens", "The most tokens to add", fallback: 200);
        Option<double?> temperature = Choice.Number("--temperature", "How freely to draw; 0 always takes the likeliest", fallback: 1);
        Option<ulong?> seed = Choice.Seed();
        Command command = new("sample", "Let an n-gram model write.") { folder, prompt, tokens, temperature, seed };
        Examples.Add(command, ("continue a text", "lemma ngram sample runs/ngram --prompt \"It was a\" --seed 2"));
        command.SetAction(parsed =>
        {
            (NGramModel model, Tokenizer tokenizer) = NGramFolder.Read(parsed.GetRequiredValue(folder));
            int[] before = tokenizer.Encode(parsed.GetValue(prompt) ?? "", addSpecialTokens: false);
            int[] after = model.Sample(before, parsed.GetValue(tokens)!.Value, parsed.GetValue(seed)!.Value, parsed.GetValue(temperature)!.Value);
            Console.WriteLine(tokenizer.Decode([.. before, .. after]));
            return CommandLine.Done;
        });
        return command;
    }

    private static Argument<string> Folder() => new("DIR") { Description = "The folder of an n-gram model" };

    private static Option<string[]> Data() => new("--data")
    {
        Description = "Files, folders or globs of text",
        HelpName = "FILE|FOLDER|GLOB",
        AllowMultipleArgumentsPerToken = true,
        Required = true,
    };
}
