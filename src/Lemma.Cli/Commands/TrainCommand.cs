using System.CommandLine;
using System.Text;
using Lemma.Checkpoints;
using Lemma.Cli.Display;
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
    private readonly Option<string[]> data = new("--data")
    {
        Description = "Files, folders or globs: .txt is one document a file, .jsonl has a field \"text\" a line",
        HelpName = "FILE|FOLDER|GLOB",
        AllowMultipleArgumentsPerToken = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> output = Choice.Text("--out", "DIR", "The run's folder; runs/train without it");
    private readonly Option<bool> resume = Choice.Flag("--resume", "Go on with the run in the folder, with its own options");
    private readonly Option<bool> force = Choice.Flag("--force", "Begin anew in a folder that holds a run");
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
    private readonly Option<double?> validationShare = Choice.Number(
        "--validation", "The share of the tokens, at their end, that is kept for validation", least: double.Epsilon, below: 1, fallback: 0.1);

    private readonly Option<Encoding?> encoding = Choice.TextEncoding();
    private readonly Option<ulong?> seed = Choice.Seed();
    private readonly Option<int?> threads = Choice.Threads();
    private readonly ModelOptions model = new();
    private readonly RunOptions run = new(new TrainingOptions());
    private readonly Command command = new("train", "Train a model on text files.");

    public static Command Build() => new TrainCommand().Create();

    private Command Create()
    {
        foreach (Option option in (Option[])[data, output, resume, force, characters, vocabulary])
            command.Add(option);
        model.AddTo(command);
        command.Add(batch);
        run.AddTo(command);
        foreach (Option option in (Option[])[smoothing, zLoss, evaluationBatches, randomWindows, validationShare, encoding, seed, threads])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(characters) && result.GetResult(vocabulary) is { Implicit: false })
                result.AddError("--char and --vocab exclude each other");
        });
        Examples.Add(command,
            ("a small model on a book", "lemma train --data book.txt --out runs/book"),
            ("a character-level model", "lemma train --data book.txt --char --steps 2000 --batch 12 --out runs/letters"),
            ("a shape of your own, on a folder", "lemma train --data texts/ --preset llama-14m --layers 8 --length 256 --vocab 8192"),
            ("go on after an interruption", "lemma train --resume --out runs/book"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string folder = parsed.GetValue(output) ?? Path.Combine("runs", "train");
        bool resumes = parsed.GetValue(resume), anew = parsed.GetValue(force);
        int? threadCount = parsed.GetValue(threads);
        RunFolder.Check(folder, resumes, anew);
        SortedDictionary<string, string[]> given = RunArguments.Given(parsed, "--out", "--resume", "--force", "--threads");
        if (resumes)
            (parsed, given) = RunArguments.OfRun(command, folder, given);
        if (parsed.GetValue(data) is not { Length: > 0 } files)
            throw new UsageException("--data is needed: name a file, a folder or a glob");

        DecoderConfig shape = model.Read(parsed, parsed.GetValue(characters), out string? origin);
        TrainingOptions options = run.Read(parsed, parsed.GetValue(seed)!.Value);
        PretrainingOptions reading = new PretrainingOptions
        {
            Batch = parsed.GetValue(batch)!.Value,
            Length = shape.MaximumLength,
            EvaluationBatches = parsed.GetValue(evaluationBatches) is > 0 and int some ? some : null,
            Order = parsed.GetValue(randomWindows) ? WindowOrder.Random : WindowOrder.Shuffled,
            Terms = new TokenLossTerms(parsed.GetValue(smoothing)!.Value, parsed.GetValue(zLoss)!.Value),
            Seed = options.Seed,
        }.Validate();
        List<TextDocument> documents = TextFiles.Read(files, parsed.GetValue(encoding));
        Tokenizer tokenizer = resumes
            ? Tokenizer.Load(Path.Combine(AtomicFolder.Resolve(Path.Combine(folder, "last")), "tokenizer.json"))
            : Tokenize(documents, shape, parsed);
        int? end = tokenizer.IdOf(EndOfText);
        (TokenDataset training, TokenDataset validation) =
            TokenDataset.Pack(documents.Select(document => tokenizer.Encode(document.Text, addSpecialTokens: false)), end)
                .Split(parsed.GetValue(validationShare)!.Value);
        DecoderConfig config = shape.WithVocabulary(tokenizer.VocabularySize) with { BeginId = end, EndId = end, FurtherEndIds = [] };
        using Workers workers = new(threadCount);
        using Models.Decoder decoder = resumes ? ModelFolder.ReadDecoder(Path.Combine(folder, "last"), config.Dropout)
            : new Models.Decoder(config) { Origin = origin };
        if (!resumes)
            decoder.Initialize(options.Seed);
        TrainingSession session = new()
        {
            Command = "train",
            Recipe = new Pretraining(decoder, training, validation, reading),
            Options = options,
            Tokenizer = tokenizer,
            Workers = workers,
            Folder = folder,
            About = Pretrained(decoder, training, validation, reading),
            Run = RunArguments.ToJson(given),
        };
        TrainingResult result = session.Train(resumes, anew);
        session.ShowResult(result, [("try it", $"lemma generate {folder} --prompt \"...\"")]);
        return result.End == TrainingEnd.Interrupted ? CommandLine.Interrupted : CommandLine.Done;
    }

    /// <summary>The lines about a pretraining run.</summary>
    internal static string[] Pretrained(Models.Decoder decoder, TokenDataset training, TokenDataset validation, PretrainingOptions reading) =>
    [
        $"{TrainingSession.Describe(decoder)}, length {reading.Length}",
        $"{Amount.Count(training.Count)} tokens to learn from, {Amount.Count(validation.Count)} to judge by",
    ];

    private Tokenizer Tokenize(List<TextDocument> documents, DecoderConfig shape, ParseResult parsed)
    {
        IEnumerable<string> texts = documents.Select(document => document.Text);
        using TrainerLine line = new();
        if (parsed.GetValue(characters))
            return CharacterTrainer.Train(texts, new CharacterTrainerOptions { SpecialTokens = documents.Count > 1 ? [EndOfText] : [] }, line);
        int wanted = parsed.GetValue(vocabulary) ?? shape.VocabularySize;
        Tokenizer tokenizer = BpeTrainer.Train(texts, new BpeTrainerOptions { VocabularySize = wanted, SpecialTokens = [EndOfText] }, line);
        if (tokenizer.VocabularySize < wanted && parsed.GetValue(vocabulary) != null)
            throw new InvalidDataException($"vocabulary: {wanted} ids were asked for, but the data allow only {tokenizer.VocabularySize}");
        return tokenizer;
    }
}
