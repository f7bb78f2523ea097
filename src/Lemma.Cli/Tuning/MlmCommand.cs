using System.CommandLine;
using Lemma.Cli.Display;
using Lemma.Cli.NGrams;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma mlm</c>: an encoder learns to fill in what is hidden.</summary>
internal sealed class MlmCommand
{
    private static readonly string[] MaskTokens = ["[MASK]", "<mask>"];
    private static readonly Dictionary<string, string> Names = new()
    {
        ["validation_filled"] = "hidden tokens guessed right",
        ["validation_classes"] = "following sentences told right",
    };

    private readonly ExampleOptions examples = new("mlm", new TrainingOptions
    {
        Steps = 1500,
        LearningRate = 1e-3,
        Schedule = new CosineSchedule { Warmup = 100 },
        EvaluateEvery = 250,
    }, "Files, folders or globs of texts: .txt, .jsonl, .json and .parquet with a field \"text\". Without it the built-in stories", examples: 20000, longest: 128);

    private readonly Option<string?> model = Choice.Text("--model", "DIR", "An encoder to go on with, in place of a new one: a folder, or a run");
    private readonly SizeOptions sizes = new();
    private readonly Option<double?> share = Choice.Number("--hidden-share", "The share of tokens that are asked for", least: double.Epsilon, below: 1,
        fallback: 0.15);
    private readonly Option<bool> next = Choice.Flag("--next-sentence", "Learn beside it whether the second of two sentences follows the first, on "
        + "the built-in ones");
    private readonly Option<int?> baseline = Choice.Whole("--baseline", "The order of the n-gram model whose guesses stand beside the model's; 0 for none",
        least: 0, most: NGramCounts.MostOrder, fallback: Baseline.Order);
    private readonly Command command = new("mlm", "Train an encoder to fill in hidden tokens: masked language modeling.");

    public static Command Build() => new MlmCommand().Create();

    private Command Create()
    {
        command.Add(model);
        examples.AddTo(command, [share, next, baseline, .. sizes.All]);
        examples.AddLoopTo(command);
        examples.AddRestTo(command);
        Examples.Add(command,
            ("a small BERT on the built-in stories", "lemma mlm"),
            ("what it would put at a mask", "lemma fill runs/mlm \"Tom went to the [MASK].\""),
            ("with the next sentence", "lemma mlm --next-sentence --out runs/pairs"),
            ("a text of your own", "lemma mlm --data book.txt --preset small --vocab 8192 --out runs/book"),
            ("go on with a trained one", "lemma mlm --model bert-base-uncased --data notes.txt --learning-rate 5e-5"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        ExampleRequest request = examples.Read(command, parsed);
        parsed = request.Parsed;
        bool pairs = parsed.GetValue(next);
        if (pairs && request.Data.Length > 0)
            throw new UsageException("--next-sentence: the sentences are built-in ones, but --data is given");
        if (parsed.GetValue(model) is { } given)
            sizes.RequireNone(parsed, given);
        ReadModel read = new(request, parsed.GetValue(model));
        using Encoder? old = read.Read<Encoder>(sizes.Dropout(parsed), "an encoder");
        Tokenizer? tokenizer = read.Tokenizer;
        int length = Math.Min(request.Length!.Value, old?.Config.MaximumLength ?? int.MaxValue);
        (List<MaskedText> training, List<MaskedText> validation) = pairs
            ? TuningData.Read(request, StoryTasks.NextSentences(request.Seed), (some, report) => EncodePairs(some, report, ref tokenizer, length, parsed))
            : TuningData.Read(request, StoryTasks.Texts(request.Seed), (some, report) => EncodeTexts(some, report, ref tokenizer, length, parsed));
        int mask = MaskTokens.Select(token => tokenizer!.IdOf(token)).FirstOrDefault(id => id is not null)
            ?? throw new InvalidDataException($"mlm: the tokenizer has no mask token ({string.Join(" or ", MaskTokens)})");
        MaskedModelingOptions options = new()
        {
            Masking = new TokenMasking
            {
                MaskId = mask,
                SpecialIds = Special(tokenizer!),
                VocabularySize = tokenizer!.VocabularySize,
                Share = parsed.GetValue(share)!.Value,
            },
            RowsOfPass = request.Rows,
            Seed = request.Seed,
        };
        using Encoder encoder = old ?? New(sizes.ReadBert(parsed, tokenizer.VocabularySize, length, pairs ? 2 : 0), request.Seed);
        return EncoderRun.Run(request, learning => new MaskedModeling((Encoder)learning, training, validation, options), encoder, tokenizer, read.WriteBeside, Names,
            null, Others(training, tokenizer.VocabularySize, parsed.GetValue(baseline)!.Value), ("try it", $"lemma fill {request.Folder} \"... [MASK] ...\""));
    }

    // An n-gram model of the training texts, whose marks stand in them as ids.
    private static Dictionary<string, Func<Recipe, string>> Others(List<MaskedText> training, int vocabularySize, int order) => order == 0 ? [] : new()
    {
        ["validation_filled"] = recipe =>
        {
            NGramCounts counts = NGramCounts.Count(training.Select(text => text.Ids), order, vocabularySize, default);
            return $"; {order}-gram {Amount.Percent(((MaskedModeling)recipe).FilledBy(NGramModel.Estimate(counts, new KneserNeySmoothing())))}";
        },
    };

    private static Encoder New(EncoderConfig config, ulong seed)
    {
        Encoder encoder = new(config);
        encoder.Initialize(seed);
        return encoder;
    }

    private static HashSet<int> Special(Tokenizer tokenizer) => [.. tokenizer.SpecialTokens.Select(token => token.Id)];

    private List<MaskedText> EncodeTexts(IEnumerable<TextDocument> documents, DataReport report, ref Tokenizer? tokenizer, int length, ParseResult parsed)
    {
        TextDocument[] all = [.. documents];
        tokenizer ??= Train(all.Select(document => document.Text), parsed);
        TextPieces pieces = new(tokenizer, length);
        HashSet<int> special = Special(tokenizer);
        List<MaskedText> texts = [];
        foreach (TextDocument document in all)
        {
            int[][] some = [.. pieces.Of(document.Text).Where(piece => piece.Any(id => !special.Contains(id)))];
            if (some.Length == 0)
                report.CountDropped(DropReason.NothingCounts, document.Source);
            else
                report.CountEncoded(some.Sum(piece => piece.Length), some.Sum(piece => piece.Count(id => !special.Contains(id))), isCut: false);
            texts.AddRange(some.Select(piece => new MaskedText(piece)));
        }
        return texts;
    }

    // Class 0 follows, as in BERT.
    private List<MaskedText> EncodePairs(IEnumerable<SentencePair> pairs, DataReport report, ref Tokenizer? tokenizer, int length, ParseResult parsed)
    {
        SentencePair[] all = [.. pairs];
        tokenizer ??= Train(all.SelectMany(pair => (string[])[pair.First, pair.Second]), parsed);
        HashSet<int> special = Special(tokenizer);
        List<MaskedText> texts = [];
        foreach (SentencePair pair in all)
        {
            EncodedText both = tokenizer.EncodeDetailed(pair.First, pair.Second);
            if (both.Ids.Count > length)
            {
                report.CountDropped(DropReason.TooLong, pair.Source);
                continue;
            }
            report.CountEncoded(both.Ids.Count, both.Ids.Count(id => !special.Contains(id)), isCut: false);
            texts.Add(new MaskedText(both.Ids.ToArray(), both.TypeIds.ToArray(), pair.Score > 0.5 ? 0 : 1));
        }
        return texts;
    }

    private Tokenizer Train(IEnumerable<string> texts, ParseResult parsed) => WordPieceTrainer.Train(texts, new WordPieceTrainerOptions
    {
        VocabularySize = sizes.Vocabulary(parsed),
        Score = WordPieceScore.Frequency,
        AlphabetSize = Math.Max(1, sizes.Vocabulary(parsed) / 4),
    });
}
