using System.Diagnostics;
using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Cli.Bench;

/// <summary>Times reading a prompt and decoding, with their spread, beside what memory and processor allow.</summary>
internal static class DecodingBench
{
    private const int Turns = 5;

    /// <summary>How much is read and decoded.</summary>
    internal sealed record Sizes(int Prompt, int Tokens, int? Context, int? Together);

    public static int Run(string name, Sizes sizes, int? threads, bool inRows, CacheFormat cacheFormat)
    {
        using Workers workers = new(threads);
        using Decoder decoder = Open(name);
        decoder.CacheFormat = cacheFormat;
        if (!inRows)
            decoder.Parameters.Pack(workers);
        using Tape tape = new(workers, decoder.Parameters) { Recording = false };
        int longest = Math.Max(Math.Max(sizes.Prompt, sizes.Tokens), (sizes.Context ?? 0) + sizes.Tokens);
        if (longest > decoder.MaximumLength)
            throw new ArgumentException($"bench: the model's longest sequence is {decoder.MaximumLength}, but {longest} tokens are asked for");
        int[] ids = [.. Enumerable.Range(0, longest).Select(i => i * 7919 % decoder.VocabularySize)];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"decode {name}: {decoder.Parameters.Count / 1e6:0.0}M parameters, "
            + $"{string.Join(", ", decoder.Parameters.Formats.Select(format => $"{format.Format} {format.Bytes / 1e6:0.0} MB"))}; threads {workers.Count}; "
            + $"cache {cacheFormat}"));

        List<double> peaks = [], reads = [], prefill = [];
        List<double>[] decoded = [[], [], []];
        using SequenceState before = decoder.NewState();
        if (sizes.Context is { } context)
            Read(decoder, tape, ids.AsMemory(0, context), [before]);
        // The first turn takes memory and compiles, and does not count.
        for (int turn = 0; turn <= Turns; turn++)
        {
            double peak = PeakRate.Measure(workers) * 1e9, read = MemoryRate.Measure(workers);
            using SequenceState state = decoder.NewState();
            double prompt = Time(() => Read(decoder, tape, ids.AsMemory(0, sizes.Prompt), [state]));
            double one = Decode(decoder, tape, ids, 1, null, sizes.Tokens);
            double behind = sizes.Context is null ? 0 : Decode(decoder, tape, ids, 1, before, sizes.Tokens);
            double many = sizes.Together is { } together ? Decode(decoder, tape, ids, together, null, sizes.Tokens) : 0;
            if (turn == 0)
                continue;
            peaks.Add(peak);
            reads.Add(read);
            prefill.Add(prompt);
            decoded[0].Add(one);
            decoded[1].Add(behind);
            decoded[2].Add(many);
        }
        double memory = Median.Of(reads), flops = Median.Of(peaks);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"memory {memory / 1e9:0.0} GB/s, peak {flops / 1e9:0.0} GFLOP/s of float32"));
        Show($"prompt of {sizes.Prompt}", sizes.Prompt, prefill,
            string.Create(CultureInfo.InvariantCulture, $"{DecodingWork.OfPrompt(decoder, sizes.Prompt) / Median.Of(prefill) * 1e-9:0.0} GOP/s"));
        Show($"decode {sizes.Tokens}", sizes.Tokens, decoded[0], OfFloor(decoder, 1, sizes.Tokens, 0, memory, decoded[0]));
        if (sizes.Context is not null)
            Show($"decode {sizes.Tokens} behind {before.Length}", sizes.Tokens, decoded[1], OfFloor(decoder, 1, sizes.Tokens, before.Length, memory, decoded[1])
                + string.Create(CultureInfo.InvariantCulture, $", cache {before.Bytes / 1e6:0.0} MB"));
        if (sizes.Together is { } all)
        {
            Show($"decode {all} x {sizes.Tokens}", all * sizes.Tokens, decoded[2], OfFloor(decoder, all, sizes.Tokens, 0, memory, decoded[2]));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{all} together give {all * Median.Of(decoded[0]) / Median.Of(decoded[2]):0.0} times the tokens of one"));
        }
        return CommandLine.Done;
    }

    private static Decoder Open(string name)
    {
        if (Presets.Find(name) is { } config)
        {
            Decoder made = new(config);
            made.Initialize(seed: 0);
            return made;
        }
        if (!Path.Exists(name))
            throw new ArgumentException($"bench: there is no '{name}', neither as a file nor among {string.Join(", ", Presets.Names)}");
        Model model = ModelFolder.ReadAsStored(name);
        if (model is Decoder decoder)
            return decoder;
        model.Dispose();
        throw new ArgumentException($"bench: {name} is no decoder");
    }

    private static string OfFloor(Decoder decoder, int sequences, int tokens, int before, double memory, List<double> times) =>
        string.Create(CultureInfo.InvariantCulture,
            $"{100 * DecodingWork.ReadBytes(decoder, sequences, tokens, before) / memory / Median.Of(times):0} % of the floor of memory");

    private static double Decode(Decoder decoder, Tape tape, int[] ids, int sequences, SequenceState? before, int tokens)
    {
        SequenceState[] states = [.. Enumerable.Range(0, sequences).Select(_ => before?.Fork() ?? decoder.NewState())];
        int[] lengths = [.. Enumerable.Repeat(1, sequences)], next = new int[sequences];
        int context = before?.Length ?? 0;
        double time = Time(() =>
        {
            for (int token = 0; token < tokens; token++)
            {
                for (int i = 0; i < sequences; i++)
                    next[i] = ids[(context + token + i) % ids.Length];
                decoder.NextLogits(tape, new Rows(next, lengths, states));
                tape.Rewind();
            }
        });
        foreach (SequenceState state in states)
            state.Dispose();
        return time;
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

    private static void Show(string what, int tokens, List<double> times, string beside)
    {
        double[] rates = [.. times.Select(time => tokens / time)];
        double mean = rates.Average(), deviation = Math.Sqrt(rates.Sum(rate => (rate - mean) * (rate - mean)) / Math.Max(1, rates.Length - 1));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what,-24} {mean,9:0.00} ± {deviation:0.00} tokens/s, median {Median.Of([.. rates]):0.00}, {beside}"));
    }
}
