using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Tests.Training;

public class TrainingLoopTests
{
    private static readonly DecoderConfig Config =
        Presets.Llama(17, width: 16, layers: 2, heads: 2, hidden: 32, length: 12) with { Dropout = 0.1f };

    private static readonly TrainingOptions Options = new()
    {
        Steps = 30,
        Accumulate = 2,
        LearningRate = 1e-2,
        Schedule = new CosineSchedule { Warmup = 3 },
        EvaluateEvery = 7,
        Seed = 5,
    };

    private static readonly PretrainingOptions Reading = new() { Batch = 3, Length = 12, EvaluationBatches = 2, Seed = 5 };

    // A walk over 17 ids whose next step is the last one doubled, mostly: something that can be learned.
    private static (TokenDataset Training, TokenDataset Validation) Data()
    {
        Philox random = new(1);
        int[] ids = new int[900];
        for (int i = 1; i < ids.Length; i++)
            ids[i] = random.Uniform((ulong)i) < 0.8 ? (2 * ids[i - 1] + 1) % 17 : random.Below(17, (ulong)(i + ids.Length));
        return new TokenDataset(ids).Split(0.2);
    }

    [Fact]
    public void ALossThatCanFallFalls()
    {
        (TrainingResult result, _) = Run(null, Options with { Steps = 120, EvaluateEvery = 40 });
        Assert.Equal(TrainingEnd.Finished, result.End);
        Assert.Equal(120, result.Step);
        Assert.InRange(result.BestScore!.Value, 0.5, 2.2);
    }

    [Fact]
    public void AnEvaluationOverAllDoesNotDependOnTheBatch()
    {
        (TokenDataset training, TokenDataset validation) = Data();
        using Workers workers = new(1);
        using Decoder decoder = new(Config);
        decoder.Initialize(1);
        double[] losses = [.. new[] { 1, 3, 4, 13 }.Select(batch =>
        {
            using Tape tape = new(workers, decoder.Parameters) { Recording = false };
            return new Pretraining(decoder, training, validation, Reading with { Batch = batch, EvaluationBatches = null }).Judge(tape).Value;
        })];
        Assert.All(losses, loss => Assert.Equal(losses[0], loss, 1e-6));
    }

    [Fact]
    public void ThreadsAndInterruptionsDoNotChangeAByte()
    {
        using TemporaryFolder folder = new();
        (_, List<TrainingProgress> seen) = Run(folder["whole"], Options);
        Assert.Equal(30, seen.Count);
        Assert.Equal([7L, 14, 21, 28, 30], seen.Where(p => p.Score != null).Select(p => p.Step));
        Run(folder["threads"], Options, threads: 3);
        foreach (int stop in (int[])[5, 14, 23])
        {
            (TrainingResult result, _) = Run(folder["parts"], Options, stopAfter: stop, resume: stop > 5);
            Assert.Equal((TrainingEnd.Interrupted, stop), (result.End, (int)result.Step));
        }
        // As after a kill: more was logged than the last checkpoint knows.
        File.AppendAllText(Path.Combine(folder["parts"], "metrics.jsonl"), "{\"step\":24,\"loss\":9}\n{\"step\":2");
        (TrainingResult end, _) = Run(folder["parts"], Options, resume: true);
        Assert.Equal(TrainingEnd.Finished, end.End);
        foreach (string other in (string[])["threads", "parts"])
        {
            string[] files = [.. Files(folder["whole"])];
            Assert.Equal(files, Files(folder[other]));
            foreach (string file in files)
                Assert.True(File.ReadAllBytes(Path.Combine(folder["whole"],
                    file)).SequenceEqual(File.ReadAllBytes(Path.Combine(folder[other], file))), $"{other}: {file} differs");
        }
    }

    [Fact]
    public void TheBestCheckpointHasTheBestLoss()
    {
        using TemporaryFolder folder = new();
        (TrainingResult result, List<TrainingProgress> seen) = Run(folder["run"], Options);
        Assert.Equal(seen.Min(p => p.Score?.Value), result.BestScore);
        using Decoder best = ModelFolder.ReadDecoder(Path.Combine(folder["run"], "best"));
        (TokenDataset training, TokenDataset validation) = Data();
        using Workers workers = new(1);
        using Tape tape = new(workers, best.Parameters) { Recording = false };
        Assert.Equal(result.BestScore, new Pretraining(best, training, validation, Reading).Judge(tape).Value);
    }

    [Fact]
    public void PatienceEndsTheRun()
    {
        TrainingOptions wild = Options with { Steps = 400, LearningRate = 0.3, Schedule = new ConstantSchedule { Warmup = 3 }, EvaluateEvery = 2, Patience = 3 };
        (TrainingResult result, _) = Run(null, wild);
        Assert.Equal(TrainingEnd.Patience, result.End);
        Assert.Equal(result.BestStep + 6, result.Step);
    }

    [Fact]
    public void AccumulatedPassesAreOneBatch()
    {
        using TemporaryFolder folder = new();
        DecoderConfig still = Config with { Dropout = 0 };
        (TrainingResult one, _) = Run(folder["one"], Options with { Accumulate = 1, Steps = 10 }, config: still, reading: Reading with { Batch = 8 });
        (TrainingResult eight, _) = Run(folder["eight"], Options with { Accumulate = 8, Steps = 10 }, threads: 2, config: still,
            reading: Reading with { Batch = 1 });
        Assert.Equal(one.Loss, eight.Loss, 1e-6);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder["one"], "last", "model.safetensors")),
            File.ReadAllBytes(Path.Combine(folder["eight"], "last", "model.safetensors")));
    }

    [Fact]
    public void ANumberThatIsNotFiniteIsNamedAndNothingIsSaved()
    {
        using TemporaryFolder folder = new();
        TrainingFailedException e = Assert.Throws<TrainingFailedException>(() => Run(folder["run"], Options,
            poison: "blocks.1.feed_forward.down.weight"));
        Assert.Equal("training: the loss of step 1 is NaN; the first weight that is not finite is NaN at element 3 of "
            + "'blocks.1.feed_forward.down.weight'", e.Message);
        Assert.Equal(["metrics.jsonl"], Files(folder["run"]));
    }

    [Fact]
    public void WhatDoesNotFitIsRefused()
    {
        (TokenDataset training, TokenDataset validation) = Data();
        using Workers workers = new(1);
        using Decoder decoder = new(Config);
        Assert.Contains("the training data has the id 16, but the vocabulary has 16", Assert.Throws<ArgumentException>(() =>
        {
            using Decoder small = new(Config.WithVocabulary(16));
            return new Pretraining(small, training, validation, Reading);
        }).Message, StringComparison.Ordinal);
        Assert.Contains("13 tokens are longer", Assert.Throws<ArgumentException>(() => new Pretraining(decoder, training, validation,
            Reading with { Length = 13 })).Message, StringComparison.Ordinal);
        Assert.Contains("validation data: a window of length 12", Assert.Throws<InvalidDataException>(() => new Pretraining(decoder,
            training, Data().Training.Split(0.01).Validation is { } few
            ? new TokenDataset(few.Ids.ToArray(), "validation data") : validation, Reading)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherSeedOrOtherDataCannotResume()
    {
        using TemporaryFolder folder = new();
        Run(folder["run"], Options, stopAfter: 4);
        Assert.Contains("seed 5, not 6", Assert.Throws<ArgumentException>(() => Run(folder["run"], Options with { Seed = 6 },
            resume: true)).Message, StringComparison.Ordinal);
        Assert.Contains("epoch", Assert.Throws<ArgumentException>(() => Run(folder["run"], Options,
            resume: true, reading: Reading with { Batch = 4 })).Message, StringComparison.Ordinal);
    }

    private static (TrainingResult Result, List<TrainingProgress> Progress) Run(string? folder, TrainingOptions options, int threads = 1,
        int stopAfter = int.MaxValue, bool resume = false, DecoderConfig? config = null, string? poison = null,
        PretrainingOptions? reading = null)
    {
        (TokenDataset training, TokenDataset validation) = Data();
        using Workers workers = new(threads);
        using Decoder decoder = resume ? ModelFolder.ReadDecoder(Path.Combine(folder!, "last"), Config.Dropout) : new Decoder(config
            ?? Config);
        if (!resume)
            decoder.Initialize(options.Seed);
        if (poison != null)
            decoder.Parameters.Weights(decoder.Parameters[poison])[3] = float.NaN;
        using CancellationTokenSource source = new();
        Recorder recorder = new(p =>
        {
            if (p.Step >= stopAfter)
                source.Cancel();
        });
        TrainingLoop loop = new(new Pretraining(decoder, training, validation, reading ?? Reading), options, workers) { Folder = folder, Run = "{\"a\":1}" };
        return (loop.Train(resume, recorder, source.Token), recorder.Seen);
    }

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(folder, file)).Where(file => file != "timings.jsonl").Order(StringComparer.Ordinal);

    private sealed class Recorder(Action<TrainingProgress> then) : IProgress<TrainingProgress>
    {
        public List<TrainingProgress> Seen { get; } = [];

        public void Report(TrainingProgress value)
        {
            Seen.Add(value);
            then(value);
        }
    }
}
