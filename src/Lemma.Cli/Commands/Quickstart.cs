using System.Globalization;
using Lemma.Cli.Display;
using Lemma.Cli.NGrams;
using Lemma.Cli.Parsing;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;
using Lemma.Training;

namespace Lemma.Cli.Commands;

/// <summary>The quickstart's steps: source, tokenizer, training, evaluation against the source's entropy, a story.</summary>
/// <param name="folder">The run's folder.</param>
/// <param name="seed">The seed of everything.</param>
/// <param name="threads">Threads; null for one a processor.</param>
/// <param name="stage">What the first stage of all has in place of the usual; null for the quickstart alone.</param>
internal sealed class Quickstart(string folder, ulong seed, int? threads, FirstStage? stage = null)
{
    private const int VocabularySize = 1024, TokenizerStories = 3000, ProbeSteps = 4;
    /// <summary>The usual shape.</summary>
    public static readonly DecoderConfig Shape = Presets.Tiny(VocabularySize).WithLayers(3);
    private static readonly PretrainingOptions Reading = new() { Batch = 6, Length = 176, EvaluationBatches = 20, Order = WindowOrder.Documents };
    /// <summary>The usual options.</summary>
    public static readonly TrainingOptions Options = new()
    {
        Steps = 4000,
        LearningRate = 2.5e-3,
        Schedule = new CosineSchedule { Warmup = 50, Minimum = 0.02 },
        Optimizer = new AdamWOptions { Beta2 = 0.98f },
        EvaluateEvery = 300,
    };

    private readonly StorySource source = new(seed, stage?.Told);
    private readonly DataFingerprint fingerprint = new();

    /// <summary>Trains and tells.</summary>
    /// <param name="minutes">About how long; null for a number of steps.</param>
    /// <param name="clear">Whether files of an earlier run go.</param>
    public int Run(double? minutes, bool clear)
    {
        Console.WriteLine("Telling stories and training a tokenizer on them ...");
        Tokenizer tokenizer = BpeTrainer.Train(source.Range(0, TokenizerStories).Select(story => story.Text),
            new BpeTrainerOptions { VocabularySize = VocabularySize, SpecialTokens = [TrainCommand.EndOfText] });
        int end = tokenizer.IdOf(TrainCommand.EndOfText)!.Value;
        DecoderConfig config = (stage?.Shape ?? Shape).WithVocabulary(tokenizer.VocabularySize) with { BeginId = end, EndId = end };
        double passTokens = Reading.Batch * Reading.Length;
        TrainingOptions usual = stage?.Options ?? Options, options = usual with
        {
            Seed = seed,
            Steps = minutes is { } time ? Math.Max(usual.Schedule.Warmup + 1, (long)(time * 60 * Rate(config) / passTokens)) : usual.Steps,
        };
        TokenDataset validation = Pack(tokenizer, end, StoryLoss.First, StoryLoss.Count);
        StoryEntropy entropy = source.Entropy(StoryLoss.First, StoryLoss.Count);
        TokenDataset training = NewStories(tokenizer, end, TokensOf(options.Steps, passTokens));
        using Workers workers = new(threads);
        using Decoder decoder = new(config);
        decoder.Initialize(seed);
        PretrainingOptions reading = Reading with { Seed = seed };
        Pretraining recipe = new(decoder, training, validation, reading);
        string others = Baseline.Of(recipe, training, Baseline.Order, config.VocabularySize, end);
        TrainingSession session = new()
        {
            Command = "train",
            Recipe = recipe,
            Options = options,
            Tokenizer = tokenizer,
            Workers = workers,
            Folder = folder,
            Data = fingerprint,
            About = [.. TrainCommand.Pretrained(decoder, training, validation, reading), $"to beat: {others}"],
            Entropy = entropy.NatsPerDocument * entropy.Documents / validation.Count,
        };
        TrainingResult result = session.Train(resume: false, clear);
        if (result.End == TrainingEnd.Interrupted)
        {
            session.ShowResult(result, []);
            return CommandLine.Interrupted;
        }
        Finish(session, result, entropy, others);
        return CommandLine.Done;
    }

    private void Finish(TrainingSession session, TrainingResult result, StoryEntropy entropy, string others)
    {
        using LanguageModel model = LanguageModel.Load(ModelPath.Find(folder), threads);
        (double nats, long tokens, _) = StoryLoss.Of(model.Decoder, model.Tokenizer, source, model.Workers);
        double sourceNats = entropy.NatsPerDocument * entropy.Documents;
        ShowStory(model);
        session.ShowResult(result,
        [
            ("entropy of the source, H(p)", PerUnit(sourceNats, tokens, entropy.Bytes)),
            ("cross-entropy of the model, H(p, q)", PerUnit(nats, tokens, entropy.Bytes)),
            ("gap, KL(p, q)", $"{PerUnit(nats - sourceNats, tokens, entropy.Bytes)}: {Amount.Percent(nats / sourceNats - 1)} of the entropy"),
            .. result.BestScore is { } best ? ((string, string)[])[("beside others", Baseline.Beside(best, others))] : [],
            ("what next", $"lemma chat {folder}"),
            ("", $"lemma generate {folder} --prompt \"It was a\""),
            ("", "lemma train --data YOUR.txt --out runs/mine"),
        ]);
    }

    private static void ShowStory(LanguageModel model)
    {
        Console.WriteLine();
        Console.WriteLine("A story of its own:");
        Console.WriteLine();
        WordWriter writer = WordWriter.ForConsole();
        foreach (string piece in model.Complete("", GenerationOptions.Sample(0.7) with { MaximumTokens = 240 }))
            writer.Write(piece);
        writer.EndLine();
    }

    // Training tokens a second, after a run that warms up.
    private double Rate(DecoderConfig config)
    {
        using Workers workers = new(threads);
        using Decoder decoder = new(config);
        decoder.Initialize(seed);
        TokenDataset zeros = new(Enumerable.Repeat(config.EndId!.Value, 4 * Reading.Batch * Reading.Length).ToArray());
        TrainingOptions probe = (stage?.Options ?? Options) with { Steps = ProbeSteps, EvaluateEvery = ProbeSteps };
        Pretraining recipe = new(decoder, zeros, zeros, Reading with { EvaluationBatches = 1 });
        new TrainingLoop(recipe, probe, workers).Train();
        return new TrainingLoop(recipe, probe, workers).Train().TokensPerSecond;
    }

    private static int TokensOf(long steps, double passTokens) => steps * passTokens <= int.MaxValue ? (int)(steps * passTokens)
        : throw new UsageException($"--minutes: {steps} steps need more than {int.MaxValue} tokens of stories");

    private TokenDataset NewStories(Tokenizer tokenizer, int end, int tokens)
    {
        List<int> ids = new(tokens + 1000) { end };
        for (long index = 0; ids.Count <= tokens; index++)
        {
            string story = source.At(index).Text;
            fingerprint.Add(new TextDocument("", story));
            tokenizer.Encode(story, ids, addSpecialTokens: false);
            ids.Add(end);
        }
        return new TokenDataset(ids.ToArray(), "training data");
    }

    // An end mark stands before the first story too: every story is read from the mark before it.
    private TokenDataset Pack(Tokenizer tokenizer, int end, long first, long count) =>
        TokenDataset.Pack([[], .. source.Range(first, count).Select(story => tokenizer.Encode(story.Text, addSpecialTokens: false))], end);

    private static string PerUnit(double nats, long tokens, long bytes) => string.Create(CultureInfo.InvariantCulture,
        $"{nats / tokens:0.0000} nats a token, {nats / Math.Log(2) / bytes:0.0000} bits a byte");
}
