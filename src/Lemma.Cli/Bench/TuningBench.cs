using System.Diagnostics;
using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Cli.Bench;

/// <summary>Times tuning steps on sixteen answers to prompts of random ids: the recipe's pass, backward, clipping to norm 1, AdamW.</summary>
/// <remarks>bench/tuning_torch.py times the same examples in PyTorch.</remarks>
internal static class TuningBench
{
    private const int WarmUpSteps = 2, Answers = 16;

    /// <summary>What can be timed.</summary>
    public static IReadOnlyCollection<string> Objectives => ["sft", "dpo"];

    public static int Run(string objective, string shape, int? rank, bool isEqual, bool recomputes, int steps, int? threads)
    {
        using Workers workers = new(threads);
        using Decoder decoder = new(Presets.Find(shape)!) { RecomputesBlocks = recomputes };
        decoder.Initialize(seed: 0);
        TokenExample[] examples = [.. Enumerable.Range(0, Answers).Select(i => Example(i, objective == "dpo", isEqual, decoder.VocabularySize))];
        int rows = examples.Sum(example => example.Rows);
        PairSet pairs = objective == "dpo" ? Pairs(decoder, examples, workers) : new PairSet([], null);
        using Adapter? adapter = rank is not { } low ? null
            : AdapterFolder.Create(decoder, new AdapterConfig { Rank = low, Alpha = 2 * low, Targets = ["all-linear"] }, 1);
        adapter?.Apply();
        decoder.Parameters.IsFrozen = adapter is not null;
        Recipe recipe = objective == "dpo"
            ? new PreferenceTuning(decoder, pairs, pairs, new PreferenceTuningOptions { Loss = new DirectPreferenceLoss { Beta = 0.1 }, RowsOfPass = rows })
            : new SupervisedTuning(decoder, examples, examples, new SupervisedTuningOptions { RowsOfPass = rows });
        using Tape tape = new(workers, decoder.Parameters);
        Optimizer optimizer = new AdamWOptions().Make(recipe.Learning, workers);
        recipe.Learning.ForgetGradients();
        double[] times = new double[WarmUpSteps + steps];
        for (int step = 0; step < times.Length; step++)
        {
            long start = Stopwatch.GetTimestamp();
            recipe.BeforeStep(tape, step + 1);
            LossPart loss = recipe.Pass(tape, step, new Philox(1).Split((ulong)step));
            tape.Backward(loss);
            tape.Rewind();
            optimizer.Step(1e-5);
            times[step] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        double seconds = Median.Of(times.Skip(WarmUpSteps));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"lemma {objective} {shape}{(rank is null ? "" : $" rank {rank}")} {Answers} answers of "
            + $"{rows} tokens in all, threads {workers.Count} f32"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {seconds * 1e3:0} ms  {rows / seconds:0} tokens/s  peak RSS "
            + $"{Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0:0} MiB"));
        return CommandLine.Done;
    }

    // Prompts of 32 to 160 ids, answers of 16 to 96; the two answers of a pair have one prompt. The same numbers stand in bench/tuning_torch.py.
    private static TokenExample Example(int number, bool ofPair, bool isEqual, int vocabulary)
    {
        int prompt = isEqual ? 96 : 32 + 37 * (ofPair ? number / 2 : number) % 129, answer = isEqual ? 56 : 16 + 53 * number % 81;
        int[] ids = [.. Enumerable.Range(0, prompt + answer).Select(i =>
            (int)(((long)(i < prompt && ofPair ? number / 2 : number) * 7919 + i * 104729L + 1) % vocabulary))];
        return new TokenExample(ids, ids.Select((_, i) => i >= prompt).ToArray());
    }

    private static PairSet Pairs(Decoder decoder, TokenExample[] examples, Workers workers)
    {
        TokenPair[] pairs = [.. Enumerable.Range(0, Answers / 2).Select(i => new TokenPair(examples[2 * i], examples[2 * i + 1]))];
        return new PairSet(pairs, ReferenceLogs.Compute(decoder, pairs, workers));
    }
}
