using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Text;
using Lemma.Text.Training;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma tokenizer train</c>: texts to a vocabulary.</summary>
internal static class TrainTokenizerCommand
{
    private static readonly string[] Algorithms = ["byte-bpe", "bpe", "wordpiece", "unigram", "word", "char"];

    public static Command Build(Option<string[]> data)
    {
        Option<string> algorithm = new("--algorithm") { Description = "How pieces are learned", DefaultValueFactory = static _ => Algorithms[0] };
        algorithm.AcceptOnlyFromAmong(Algorithms);
        Option<int?> size = Choice.Whole("--vocab", "The number of pieces", fallback: 8192);
        Option<string> score = new("--score") { Description = "By what WordPiece joins pairs", DefaultValueFactory = static _ => "likelihood" };
        score.AcceptOnlyFromAmong("likelihood", "frequency");
        Option<bool> fallback = Choice.Flag("--byte-fallback", "bpe: characters that were not learned become their bytes");
        Option<int?> frequency = Choice.Whole("--min-frequency", "bpe, byte-bpe, wordpiece, word: how often a pair or a word must occur; 2, words 1");
        Option<int?> alphabet = Choice.Whole("--alphabet", "bpe, wordpiece: the most distinct characters; all without it");
        Option<int?> longest = Choice.Whole("--longest-piece", "The most characters of a piece; any without it, 16 in unigram");
        Option<int?> threads = Choice.Threads();
        Option<string> folder = new("--out") { Description = "The folder for tokenizer.json", HelpName = "FOLDER", Required = true };
        Option<Encoding?> encoding = Choice.TextEncoding();
        Command command = new("train", "Learn a vocabulary from texts.")
        {
            algorithm, size, score, fallback, frequency, alphabet, longest, data, folder, threads, encoding,
        };
        Examples.Add(command,
            ("byte-level BPE", "lemma tokenizer train --vocab 8192 --data book.txt --out runs/tokenizer"),
            ("as Llama has it", "lemma tokenizer train --algorithm bpe --byte-fallback --alphabet 1000 --data 'texts/*.txt' --out runs/tokenizer"),
            ("unigram", "lemma tokenizer train --algorithm unigram --vocab 8000 --data 'texts/*.txt' --out runs/tokenizer"));
        command.SetAction(parsed =>
        {
            string name = parsed.GetRequiredValue(algorithm);
            Check(name, (frequency.Name, parsed.GetValue(frequency) is not null, ["byte-bpe", "bpe", "wordpiece", "word"]),
                (alphabet.Name, parsed.GetValue(alphabet) is not null, ["bpe", "wordpiece"]),
                (longest.Name, parsed.GetValue(longest) is not null, ["byte-bpe", "bpe", "wordpiece", "unigram"]),
                (fallback.Name, parsed.GetValue(fallback), ["bpe"]),
                (score.Name, parsed.GetResult(score) is { Implicit: false }, ["wordpiece"]));
            IEnumerable<string> texts = TextFiles.Stream(parsed.GetRequiredValue(data), parsed.GetValue(encoding))
                .Select(static document => document.Text);
            int count = parsed.GetValue(size)!.Value;
            int? most = parsed.GetValue(threads), longestPiece = parsed.GetValue(longest), characters = parsed.GetValue(alphabet);
            long least = parsed.GetValue(frequency) ?? (name == "word" ? 1 : 2);
            BpeTrainerOptions bpe = new()
            {
                VocabularySize = count,
                MinimumFrequency = least,
                AlphabetSize = characters,
                LongestPiece = longestPiece,
                Threads = most,
            };
            BpeUnits units = parsed.GetValue(fallback) ? BpeUnits.CharactersOrBytes : BpeUnits.Characters;
            WordPieceScore pairs = parsed.GetRequiredValue(score) == "frequency" ? WordPieceScore.Frequency : WordPieceScore.Likelihood;
            return Train(name, parsed.GetRequiredValue(folder), (progress, cancellation) => name switch
            {
                "byte-bpe" => BpeTrainer.Train(texts, bpe, progress, cancellation),
                "bpe" => BpeTrainer.Train(texts, bpe with { Units = units }, progress, cancellation),
                "wordpiece" => WordPieceTrainer.Train(texts, new WordPieceTrainerOptions
                {
                    VocabularySize = count,
                    Score = pairs,
                    MinimumFrequency = least,
                    AlphabetSize = characters,
                    LongestPiece = longestPiece,
                    Threads = most,
                }, progress, cancellation),
                "unigram" => UnigramTrainer.Train(
                    texts, new UnigramTrainerOptions { VocabularySize = count, LongestPiece = longestPiece ?? 16, Threads = most }, progress, cancellation),
                "word" => WordTrainer.Train(
                    texts, new WordTrainerOptions { VocabularySize = count, MinimumFrequency = least, Threads = most }, progress, cancellation),
                _ => CharacterTrainer.Train(texts, new CharacterTrainerOptions { Threads = most }, progress, cancellation),
            });
        });
        return command;
    }

    private static void Check(string algorithm, params ReadOnlySpan<(string Option, bool IsGiven, string[] Algorithms)> options)
    {
        foreach ((string option, bool isGiven, string[] algorithms) in options)
            if (isGiven && !algorithms.Contains(algorithm))
                throw new UsageException($"{option}: only for {string.Join(", ", algorithms)}, but the algorithm is {algorithm}");
    }

    private static int Train(string algorithm, string folder, Func<IProgress<TrainerProgress>, CancellationToken, Tokenizer> train)
    {
        using Interruption interruption = new();
        Stopwatch watch = Stopwatch.StartNew();
        Tokenizer tokenizer;
        using (TrainerLine line = new())
            tokenizer = train(line, interruption.Token);
        double seconds = watch.Elapsed.TotalSeconds;
        Directory.CreateDirectory(folder);
        tokenizer.Save(folder);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Path.Combine(folder, "tokenizer.json")}: {algorithm}, {tokenizer.VocabularySize} pieces, learned in {seconds:0.00} s"));
        return CommandLine.Done;
    }
}
