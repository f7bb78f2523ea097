using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Cli.Bench;

/// <summary>Times whole training steps on random ids: forward, cross-entropy, backward, clipping to norm 1, AdamW; of nanochat's shapes Muon.</summary>
internal static class TrainingBench
{
    private const int WarmUpSteps = 2;
    private static readonly Dictionary<string, (int Batch, int Length)> Defaults = new()
    {
        ["gpt2-124m"] = (4, 64),
        ["llama-14m"] = (8, 256),
        ["llama-29m"] = (8, 256),
        ["nanochat-d4"] = (8, 512),
        ["nanochat-d6"] = (8, 512),
    };

    public static IReadOnlyCollection<string> Shapes => Defaults.Keys;

    public static int Run(string shape, int? batchSize, int? windowLength, int steps, int? threads, bool isPacked)
    {
        int batch = batchSize ?? Defaults[shape].Batch, length = windowLength ?? Defaults[shape].Length;
        DecoderConfig config = Presets.Find(shape)!;
        using Workers workers = new(threads);
        using Decoder decoder = new(config);
        decoder.Initialize(seed: 0);
        using Tape tape = new(workers, decoder.Parameters);
        Optimizer optimizer = (shape.StartsWith("nanochat", StringComparison.Ordinal) ? (OptimizerOptions)new MuonOptions()
            : new AdamWOptions { Beta2 = 0.999f }).Make(decoder.Parameters, workers);
        decoder.Parameters.ForgetGradients();
        int[] inputs = new int[batch * length], targets = new int[batch * length];
        Philox random = new(seed: 0);
        double[] times = new double[WarmUpSteps + steps], packedTimes = new double[WarmUpSteps + steps];
        for (int turn = 0; turn < (isPacked ? 2 : 1) * times.Length; turn++)
        {
            int step = isPacked ? turn / 2 : turn;
            bool ofDocuments = isPacked && turn % 2 == 1;
            for (int i = 0; i < inputs.Length; i++)
            {
                inputs[i] = random.Below(config.VocabularySize, (ulong)(2 * (step * inputs.Length + i)));
                targets[i] = random.Below(config.VocabularySize, (ulong)(2 * (step * inputs.Length + i) + 1));
            }
            long start = Stopwatch.GetTimestamp();
            Rows rows = ofDocuments ? new Rows(inputs, Documents(random, step, inputs.Length, length)) : Rows.Windows(inputs, batch);
            LossPart loss = decoder.Loss(tape, rows, targets);
            tape.Backward(loss);
            tape.Rewind();
            optimizer.Step(3e-4f);
            (ofDocuments ? packedTimes : times)[step] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        double seconds = Median.Of(times.Skip(WarmUpSteps));
        long parameters = decoder.Parameters.Count;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"lemma {shape} {RuntimeInformation.FrameworkDescription} params "
            + $"{parameters / 1e6:0.0}M batch {batch} length {length} threads {workers.Count} f32"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {seconds * 1e3:0} ms  {batch * length / seconds:0} "
            + $"tokens/s  {6.0 * parameters * batch * length / seconds / 1e9:0} GFLOP/s (6N)  peak RSS "
            + $"{Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0:0} MiB"));
        if (!isPacked)
            return CommandLine.Done;
        double packed = Median.Of(packedTimes.Skip(WarmUpSteps));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"packed documents of 1 to {length} tokens, in turn: {batch * length / packed:0} tokens/s, {seconds / packed:0.00} of equal windows"));
        return CommandLine.Done;
    }

    // Documents of random lengths that fill a step.
    private static int[] Documents(Philox random, int step, int tokens, int longest)
    {
        List<int> lengths = [];
        for (int left = tokens; left > 0; left -= lengths[^1])
            lengths.Add(Math.Min(left, 1 + random.Below(longest, (1UL << 60) + (ulong)(step * (long)tokens + left))));
        return [.. lengths];
    }
}
