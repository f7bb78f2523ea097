using System.CommandLine;
using Lemma.Checkpoints;
using Lemma.Cli.Display;
using Lemma.Cli.NGrams;
using Lemma.Cli.Parsing;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;
using Lemma.Training;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma train</c>: a model from text files.</summary>
internal sealed class TrainCommand
{
    internal const string EndOfText = "<|endoftext|>";
    private readonly DataOptions data = new("Files, folders or globs: .txt is one document a file, .jsonl has a field \"text\" a line", "tokens", 0.1);
    private readonly Option<string?> cache = Choice.Text("--cache", "FOLDER", "Keep the tokens of the data in files there, and map them from there the next time");
    private readonly Option<bool> characters = Choice.Flag("--char", "A vocabulary of characters");
    private readonly Option<int?> vocabulary = Choice.Whole(
        "--vocab", "Ids of the byte-level BPE vocabulary; the preset's without it", least: 257, most: 1 << 20);

    private static readonly PretrainingOptions Defaults = new();
    private readonly Option<int?> batch = Choice.Whole("--batch", "Windows of one pass", fallback: Defaults.Batch);
    private readonly Option<int?> evaluationBatches = Choice.Whole("--eval-batches", "The most batches of an evaluation; 0 for all "
        + "validation data", least: 0, fallback: Defaults.EvaluationBatches);
    private readonly Option<double?> smoothing = Choice.Number("--label-smoothing", "The share of a target that every id gets a part of", below: 1, fallback: 0);
    private readonly Option<double?> zLoss = Choice.Number("--z-loss", "The weight of (ln Σ e^z)², which keeps logits small; 1e-4, say", fallback: 0);
    private readonly Option<bool> randomWindows = Choice.Flag("--random-windows", "Draw every window at random, not each once an epoch");
    private readonly Option<int?> baseline = Baseline.Choose();
    private readonly ModelOptions model = new();
    private readonly StartOptions starting = new("train", new TrainingOptions());
    private readonly Command command = new("train", "Train a model on text files.");

    public static Command Build() => new TrainCommand().Create();

    private Command Create()
    {
        data.AddTo(command);
        command.Add(cache);
        starting.AddTo(command);
        command.Add(characters);
        command.Add(vocabulary);
        model.AddTo(command);
        command.Add(batch);
        starting.AddLoopTo(command);
        foreach (Option option in (Option[])[smoothing, zLoss, evaluationBatches, randomWindows, baseline])
            command.Add(option);
        data.AddRestTo(command);
        starting.AddRestTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(characters) && result.GetResult(vocabulary) is { Implicit: false })
                result.AddError("--char and --vocab exclude each other");
        });
        Examples.Add(command,
            ("a small model on a book", "lemma train --data book.txt --out runs/book"),
            ("a character-level model", "lemma train --data book.txt --char --steps 2000 --batch 12 --out runs/letters"),
            ("a shape of your own, on a folder", "lemma train --data texts/ --preset llama-14m --layers 8 --length 256 --vocab 8192"),
            ("three tokens of one source for each of another, tokenized once", "lemma train --data books/ chats.jsonl --mix 3 1 --cache runs/tokens"),
            ("nanochat's shape of depth 4, by its rules", "lemma train --data texts/ --preset nanochat-d4 --length 512 --batch 32 --steps 5000"),
            ("what a run would take", "lemma train --data book.txt --preset small --dry-run"),
            ("the same run with other letters drawn", "lemma train --options runs/book/options.yaml --seed 2 --out runs/book2"),
            ("go on after an interruption", "lemma train --resume --out runs/book"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        RunStart start = starting.Read(command, parsed);
        parsed = start.Parsed;
        DataChoice chosen = data.Read(parsed);
        if (chosen.Sources.Length == 0)
            throw new UsageException("--data is needed: name a file, a folder or a glob");
        DecoderConfig shape = model.Read(parsed, parsed.GetValue(characters), out string? origin);
        TrainingOptions options = starting.ReadLoop(start);
        PretrainingOptions reading = new PretrainingOptions
        {
            Batch = parsed.GetValue(batch)!.Value,
            Length = shape.MaximumLength,
            EvaluationBatches = parsed.GetValue(evaluationBatches) is > 0 and int some ? some : null,
            Order = parsed.GetValue(randomWindows) ? WindowOrder.Random : WindowOrder.Shuffled,
            Terms = new TokenLossTerms(parsed.GetValue(smoothing)!.Value, parsed.GetValue(zLoss)!.Value),
            Seed = options.Seed,
        }.Validate();
        using TrainingText text = TrainingText.Read(chosen);
        Tokenizer tokenizer = start.Resumes
            ? Tokenizer.Load(Path.Combine(AtomicFolder.Resolve(Path.Combine(start.Folder, "last")), "tokenizer.json"))
            : Tokenize(text, shape, parsed);
        int? end = tokenizer.IdOf(EndOfText);
        (TokenDataset training, TokenDataset validation) = text.Pack(tokenizer, end, start.IsDry ? null : parsed.GetValue(cache), start.Threads);
        DecoderConfig config = shape.WithVocabulary(tokenizer.VocabularySize) with { BeginId = end, EndId = end, FurtherEndIds = [] };
        bool byRules = model.IsNanoChat(parsed) && !starting.SayRates(parsed);
        if (byRules)
            options = NanoChatRules.Apply(options, config, (long)reading.Batch * reading.Length * options.Accumulate);
        using Workers workers = new(start.Threads);
        using Models.Decoder decoder = start.Resumes ? ModelFolder.ReadDecoder(Path.Combine(start.Folder, "last"), config.Dropout)
            : new Models.Decoder(config) { Origin = origin };
        if (!start.Resumes)
            decoder.Initialize(options.Seed);
        Pretraining recipe = new(decoder, training, validation, reading);
        string? others = start.IsDry || parsed.GetValue(baseline) is not > 0 ? null
            : Baseline.Of(recipe, training, parsed.GetValue(baseline)!.Value, config.VocabularySize, end);
        TrainingSession session = new()
        {
            Command = "train",
            Recipe = recipe,
            Options = options,
            Tokenizer = tokenizer,
            Workers = workers,
            Folder = start.Folder,
            About = [.. text.Lines, .. Pretrained(decoder, training, validation, reading),
                .. byRules ? ["Muon, rates and schedule by nanochat's rules"] : Array.Empty<string>(),
                .. others is null ? Array.Empty<string>() : [$"to beat: {others}"]],
            Data = text.Fingerprint,
            Given = start.Given,
        };
        if (start.IsDry)
            return session.ShowPlan();
        TrainingResult result = session.Train(start.Resumes, start.Anew);
        (string, string)[] beside = others is not null && result.BestScore is { } best ? [("beside others", Baseline.Beside(best, others))] : [];
        session.ShowResult(result, [.. beside, ("try it", $"lemma generate {start.Folder} --prompt \"...\"")]);
        return result.End == TrainingEnd.Interrupted ? CommandLine.Interrupted : CommandLine.Done;
    }

    /// <summary>The lines about a pretraining run.</summary>
    internal static string[] Pretrained(Models.Decoder decoder, TokenDataset training, TokenDataset validation, PretrainingOptions reading) =>
    [
        $"{TrainingSession.Describe(decoder)}, length {reading.Length}",
        $"{Amount.Count(training.Count)} tokens to learn from, {Amount.Count(validation.Count)} to judge by",
    ];

    private Tokenizer Tokenize(TrainingText text, DecoderConfig shape, ParseResult parsed)
    {
        using TrainerLine line = new();
        if (parsed.GetValue(characters))
            return CharacterTrainer.Train(text.Texts, new CharacterTrainerOptions { SpecialTokens = text.Documents > 1 ? [EndOfText] : [] }, line);
        int wanted = parsed.GetValue(vocabulary) ?? shape.VocabularySize;
        Tokenizer tokenizer = BpeTrainer.Train(text.Texts, new BpeTrainerOptions { VocabularySize = wanted, SpecialTokens = [EndOfText] }, line);
        if (tokenizer.VocabularySize < wanted && parsed.GetValue(vocabulary) != null)
            throw new InvalidDataException($"vocabulary: {wanted} ids were asked for, but the data allow only {tokenizer.VocabularySize}");
        return tokenizer;
    }
}
