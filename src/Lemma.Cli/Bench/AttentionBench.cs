using System.Diagnostics;
using System.Globalization;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Cli.Bench;

/// <summary>Times causal attention, forward and backward, beside the processor's measured peak.</summary>
internal static class AttentionBench
{
    public static int Run(int batch, int length, int heads, int keyValueHeads, int headWidth, double seconds, int? threads)
    {
        using Workers workers = new(threads);
        using Tape tape = new(workers);
        AttentionHeads shape = new AttentionHeads(heads, keyValueHeads, headWidth).Validate();
        Philox random = new(seed: 0);
        float[] rows = new float[(long)batch * length * shape.RowWidth], up = new float[(long)batch * length * heads * headWidth];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = (float)random.Normal((ulong)i);
        for (int i = 0; i < up.Length; i++)
            up[i] = (float)random.Normal((ulong)(rows.Length + i));
        // Products with the pairs that a causal mask leaves: two forward, five backward (the scores are computed again).
        double product = 2.0 * batch * heads * headWidth * length * (length + 1) / 2;
        List<double> peaks = [], forward = [], backward = [];
        int[] lengths = [.. Enumerable.Repeat(length, batch)];
        long start = Stopwatch.GetTimestamp();
        for (int turn = 0; turn < 5 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; turn++)
        {
            if (turn % 20 == 0)
                peaks.Add(PeakRate.Measure(workers));
            Tensor x = tape.Input(new Shape(batch * length, shape.RowWidth), rows);
            long before = Stopwatch.GetTimestamp();
            Tensor y = tape.Attention(x, lengths, shape);
            forward.Add(Stopwatch.GetElapsedTime(before).TotalSeconds);
            up.CopyTo(tape.Gradient(y));
            before = Stopwatch.GetTimestamp();
            tape.RunBackward();
            backward.Add(Stopwatch.GetElapsedTime(before).TotalSeconds);
            tape.Rewind();
        }
        double peak = Median.Of(peaks);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"attention batch {batch} length {length} heads {heads}/{keyValueHeads} x {headWidth} causal, threads {workers.Count}, peak {peak:0.0} GFLOP/s"));
        Show("forward", 2 * product, Median.Of(forward), peak);
        Show("backward", 5 * product, Median.Of(backward), peak);
        return CommandLine.Done;
    }

    private static void Show(string what, double operations, double time, double peak)
    {
        double rate = operations / time / 1e9;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what,-8} {time * 1e3,8:0.00} ms  {rate,7:0.0} GFLOP/s  {100 * rate / peak,5:0.0} % of peak"));
    }
}
