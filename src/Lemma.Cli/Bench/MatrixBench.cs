using System.Diagnostics;
using System.Globalization;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Cli.Bench;

/// <summary>Times y = x·Wᵀ in several sizes beside the processor's measured peak.</summary>
internal static class MatrixBench
{
    private const double SecondsBetweenPeaks = 0.02;

    private static readonly (int M, int N, int K)[] Sizes =
        [(512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (1024, 50257, 768), (1, 768, 768), (7, 33, 65), (100, 100, 100)];

    /// <summary>The sizes that texts such as <c>512x384x1536</c> name: rows, outputs, inputs.</summary>
    public static (int M, int N, int K) Parse(string text)
    {
        int[] sizes = [.. text.Split('x').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int size) ? size : 0)];
        return sizes.Length == 3 && sizes.All(size => size > 0) ? (sizes[0], sizes[1], sizes[2])
            : throw new ArgumentException($"bench: a size is three whole numbers above 0, such as 512x384x1536, but it is '{text}'");
    }

    /// <summary>Times each size; a few that are usual without any.</summary>
    public static int Run(IReadOnlyList<(int M, int N, int K)> sizes, double seconds, int? threads)
    {
        using Workers workers = new(threads);
        using Tape tape = new(workers) { Recording = false };
        double peak = PeakRate.Measure(workers);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak of {workers.Count} threads: {peak:0.0} GFLOP/s (fused "
            + $"multiply-add, measured)"));
        Console.WriteLine($"tiles of {MatrixProduct.Instructions}");
        foreach ((int m, int n, int k) in sizes.Count > 0 ? sizes : Sizes)
        {
            (double rate, double moment) = Rate(tape, m, n, k, seconds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{$"{m} x {n} x {k}",-20} {rate,8:0.0} GFLOP/s  "
                + $"{100 * rate / peak,5:0.0} % of peak, {100 * rate / moment,5:0.0} % of the peak meanwhile"));
        }
        return CommandLine.Done;
    }

    // The median of the repetitions, and of the peak between them.
    private static (double Rate, double Peak) Rate(Tape tape, int m, int n, int k, double seconds)
    {
        Tensor x = tape.New(new Shape(m, k)), weight = tape.New(new Shape(n, k));
        tape[x].Fill(0.5f);
        tape[weight].Fill(0.25f);
        Tape.Mark mark = tape.Here;
        List<double> times = [], peaks = [];
        long start = Stopwatch.GetTimestamp(), lastPeak = start;
        for (int turn = 0; turn < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; turn++)
        {
            long before = Stopwatch.GetTimestamp();
            tape.Linear(x, weight);
            times.Add(Stopwatch.GetElapsedTime(before).TotalSeconds);
            tape.Rewind(mark);
            if (peaks.Count == 0 || Stopwatch.GetElapsedTime(lastPeak).TotalSeconds > SecondsBetweenPeaks)
            {
                peaks.Add(PeakRate.OfThisMoment(tape.Workers));
                lastPeak = Stopwatch.GetTimestamp();
            }
        }
        tape.Rewind();
        return (2.0 * m * n * k / Median.Of(times) / 1e9, Median.Of(peaks));
    }
}
