using System.Diagnostics;
using System.Globalization;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Cli.Bench;

/// <summary>Times reading a prompt and decoding: tokens a second beside the floor of the memory that a token reads.</summary>
internal static class DecodingBench
{
    private const int Prompt = 512, Tokens = 16, Turns = 5;

    public static int Run(string preset, int context, int together, int? threads, bool inRows)
    {
        DecoderConfig config = Presets.Find(preset)
            ?? throw new ArgumentException($"bench: there is no '{preset}'; there are {string.Join(", ", Presets.Names)}");
        context = Math.Min(context, config.MaximumLength - Tokens);
        using Workers workers = new(threads);
        using Decoder decoder = new(config);
        decoder.Initialize(seed: 0);
        if (!inRows)
            decoder.Parameters.Pack(workers);
        using Tape tape = new(workers, decoder.Parameters) { Recording = false };
        int[] ids = [.. Enumerable.Range(0, Math.Max(context, Prompt)).Select(i => i * 7919 % config.VocabularySize)];
        AttentionConfig attention = (AttentionConfig)config.Stack.Blocks[0].Mixer;
        double weights = sizeof(float) * (double)decoder.Parameters.Count;
        double cache = 2.0 * sizeof(float) * config.Layers * attention.KeyValueHeads * attention.HeadWidth;
        double matrices = decoder.Parameters.Count - (double)config.VocabularySize * config.Width;
        double prompt = 2 * Prompt * matrices + 2 * (double)config.VocabularySize * config.Width
            + 4.0 * config.Layers * attention.Heads * attention.HeadWidth * Prompt * (Prompt + 1) / 2;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"decode {preset}, {decoder.Parameters.Count / 1e6:0.0}M parameters in f32, threads {workers.Count}"));

        List<double> peaks = [], reads = [], prefill = [];
        List<double>[] times = [[], [], []];
        for (int turn = 0; turn < Turns; turn++)
        {
            peaks.Add(PeakRate.Measure(workers) * 1e9);
            reads.Add(MemoryRate.Measure(workers));
            using SequenceState state = decoder.NewState();
            prefill.Add(Time(() => Read(decoder, tape, ids.AsMemory(0, Prompt), [state])));
            times[0].Add(Decode(decoder, tape, ids, 1, 1));
            times[1].Add(Decode(decoder, tape, ids, 1, context));
            times[2].Add(Decode(decoder, tape, ids, together, 1));
        }
        double peak = Median.Of(peaks), read = Median.Of(reads);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"memory {read / 1e9:0.0} GB/s, peak {peak / 1e9:0.0} GFLOP/s"));
        double time = Median.Of(prefill);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"prompt of {Prompt}: {time * 1e3:0} ms, {Prompt / time:0} tokens/s, {100 * prompt / time / peak:0.0} % of the peak"));
        Show($"one sequence, {1} behind", 1, Median.Of(times[0]), (weights + cache) / read);
        Show($"one sequence, {context} behind", 1, Median.Of(times[1]), (weights + cache * context) / read);
        Show($"{together} sequences, {1} behind", together, Median.Of(times[2]), (weights + cache * together) / read);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{together} together give {together * Median.Of(times[0]) / Median.Of(times[2]):0.0} times the tokens of one"));
        return CommandLine.Done;
    }

    private static double Decode(Decoder decoder, Tape tape, int[] ids, int sequences, int context)
    {
        SequenceState[] states = [.. Enumerable.Range(0, sequences).Select(_ => decoder.NewState())];
        int[] lengths = [.. Enumerable.Repeat(1, sequences)], next = [.. Enumerable.Range(0, sequences).Select(i => ids[i])];
        for (int first = 0; first < context; first += Prompt)
            Read(decoder, tape, ids.AsMemory(first, Math.Min(Prompt, context - first)), [states[0]]);
        for (int i = 1; i < sequences; i++)
            Read(decoder, tape, ids.AsMemory(0, context), [states[i]]);
        double[] times = new double[Tokens];
        for (int token = 0; token < Tokens; token++)
        {
            times[token] = Time(() => tape[decoder.NextLogits(tape, new Rows(next, lengths, states))][0].ToString(CultureInfo.InvariantCulture));
            tape.Rewind();
        }
        foreach (SequenceState state in states)
            state.Dispose();
        return Median.Of(times);
    }

    private static void Read(Decoder decoder, Tape tape, ReadOnlyMemory<int> ids, SequenceState[] states)
    {
        decoder.NextLogits(tape, new Rows(ids, new[] { ids.Length }, states));
        tape.Rewind();
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Show(string what, int sequences, double time, double floor) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{what}: {time * 1e3:0.0} ms, {sequences / time:0.0} tokens/s, {100 * floor / time:0} % of the floor of memory ({floor * 1e3:0.0} ms)"));
}
