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
        Option<int?> size = Choice.Whole("--vocab", "The number of pieces; 8192 without it, char: all characters");
        Option<string> score = new("--score") { Description = "By what WordPiece joins pairs", DefaultValueFactory = static _ => "likelihood" };
        score.AcceptOnlyFromAmong("likelihood", "frequency");
        Option<bool> fallback = Choice.Flag("--byte-fallback", "bpe: characters that were not learned become their bytes");
        Option<int?> frequency = Choice.Whole(
            "--min-frequency", "How often a pair must occur, 2 without it; word, char: a word or a character, 1 without it");
        Option<int?> alphabet = Choice.Whole("--alphabet", "bpe, wordpiece: the most distinct characters; all without it");
        Option<int?> longest = Choice.Whole("--longest-piece", "The most characters of a piece; any without it, 16 in unigram");
        Option<string[]> special = Many("--special", "TOKEN", "A special token; several get their ids in this order");
        Option<string[]> normalizers = Many("--normalizer", "NAME", $"What rewrites texts first: {string.Join(", ", TextStages.Normalizers)}; several in order");
        Option<string?> words = Choice.Text(
            "--words", "PATTERN", $"byte-bpe: the words, by {string.Join(", ", TextStages.Patterns)} or by a regular expression; gpt2 without it");
        Option<int?> threads = Choice.Threads();
        Option<string> folder = new("--out") { Description = "The folder for tokenizer.json", HelpName = "FOLDER", Required = true };
        Option<Encoding?> encoding = Choice.TextEncoding();
        Command command = new("train", "Learn a vocabulary from texts.")
        {
            algorithm, size, score, fallback, frequency, alphabet, longest, special, normalizers, words, data, folder, threads, encoding,
        };
        Examples.Add(command,
            ("byte-level BPE", "lemma tokenizer train --vocab 8192 --data book.txt --out runs/tokenizer"),
            ("with the words of GPT-4", "lemma tokenizer train --words cl100k --special '<|start|>' --special '<|end|>' --data book.txt --out runs/tokenizer"),
            ("as Llama has it", "lemma tokenizer train --algorithm bpe --byte-fallback --alphabet 1000 --data 'texts/*.txt' --out runs/tokenizer"),
            ("unigram", "lemma tokenizer train --algorithm unigram --vocab 8000 --data 'texts/*.txt' --out runs/tokenizer"));
        command.SetAction(parsed =>
        {
            string name = parsed.GetRequiredValue(algorithm);
            Check(name, (frequency, parsed.GetValue(frequency) is not null, ["byte-bpe", "bpe", "wordpiece", "word", "char"]),
                (alphabet, parsed.GetValue(alphabet) is not null, ["bpe", "wordpiece"]),
                (longest, parsed.GetValue(longest) is not null, ["byte-bpe", "bpe", "wordpiece", "unigram"]),
                (words, parsed.GetValue(words) is not null, ["byte-bpe"]),
                (fallback, parsed.GetValue(fallback), ["bpe"]),
                (score, parsed.GetResult(score) is { Implicit: false }, ["wordpiece"]));
            int? longestPiece = parsed.GetValue(longest), characters = parsed.GetValue(alphabet);
            long least = parsed.GetValue(frequency) ?? (name is "word" or "char" ? 1 : 2);
            BpeUnits units = name == "byte-bpe" ? BpeUnits.Bytes
                : parsed.GetValue(fallback) ? BpeUnits.CharactersOrBytes : BpeUnits.Characters;
            WordPieceScore pairs = parsed.GetRequiredValue(score) == "frequency" ? WordPieceScore.Frequency : WordPieceScore.Likelihood;
            TrainerOptions options = name switch
            {
                "wordpiece" => new WordPieceTrainerOptions
                {
                    Score = pairs,
                    MinimumFrequency = least,
                    AlphabetSize = characters,
                    LongestPiece = longestPiece,
                },
                "unigram" => new UnigramTrainerOptions { LongestPiece = longestPiece ?? 16 },
                "word" => new WordTrainerOptions { MinimumFrequency = least },
                "char" => new CharacterTrainerOptions { MinimumFrequency = least },
                _ => new BpeTrainerOptions { Units = units, MinimumFrequency = least, AlphabetSize = characters, LongestPiece = longestPiece },
            };
            options = options with
            {
                VocabularySize = parsed.GetValue(size) ?? (name == "char" ? options.VocabularySize : 8192),
                SpecialTokens = WithNeeded(parsed.GetValue(special) ?? [], options),
                Normalizer = parsed.GetValue(normalizers) is { Length: > 0 } names ? TextStages.NormalizerOf(names) : options.Normalizer,
                Splitter = parsed.GetValue(words) is string pattern ? TextStages.WordsOf(pattern) : options.Splitter,
                Threads = parsed.GetValue(threads),
            };
            IEnumerable<string> texts = TextFiles.Stream(parsed.GetRequiredValue(data), parsed.GetValue(encoding))
                .Select(static document => document.Text);
            return Train(name, texts, options, parsed.GetRequiredValue(folder));
        });
        return command;
    }

    private static Option<string[]> Many(string name, string help, string description) =>
        new(name) { Description = description, HelpName = help, Arity = ArgumentArity.OneOrMore };

    /// <summary>The special tokens that were asked for behind those that the model needs; the trainer's own where none was.</summary>
    private static IReadOnlyList<string> WithNeeded(string[] asked, TrainerOptions options) => asked.Length == 0 ? options.SpecialTokens
        : options is BpeTrainerOptions ? asked : [.. options.SpecialTokens.Except(asked), .. asked];

    private static void Check(string algorithm, params ReadOnlySpan<(Option Option, bool IsGiven, string[] Algorithms)> options)
    {
        foreach ((Option option, bool isGiven, string[] algorithms) in options)
            if (isGiven && !algorithms.Contains(algorithm))
                throw new UsageException($"{option.Name}: only for {string.Join(", ", algorithms)}, but the algorithm is {algorithm}");
    }

    private static int Train(string algorithm, IEnumerable<string> texts, TrainerOptions options, string folder)
    {
        using Interruption interruption = new();
        Stopwatch watch = Stopwatch.StartNew();
        Tokenizer tokenizer;
        using (TrainerLine line = new())
            tokenizer = options switch
            {
                BpeTrainerOptions bpe => BpeTrainer.Train(texts, bpe, line, interruption.Token),
                WordPieceTrainerOptions wordPiece => WordPieceTrainer.Train(texts, wordPiece, line, interruption.Token),
                UnigramTrainerOptions unigram => UnigramTrainer.Train(texts, unigram, line, interruption.Token),
                WordTrainerOptions words => WordTrainer.Train(texts, words, line, interruption.Token),
                CharacterTrainerOptions characters => CharacterTrainer.Train(texts, characters, line, interruption.Token),
                _ => throw new UnreachableException(),
            };
        double seconds = watch.Elapsed.TotalSeconds;
        Directory.CreateDirectory(folder);
        tokenizer.Save(folder);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Path.Combine(folder, "tokenizer.json")}: {algorithm}, {tokenizer.VocabularySize} pieces, learned in {seconds:0.00} s"));
        return CommandLine.Done;
    }
}
