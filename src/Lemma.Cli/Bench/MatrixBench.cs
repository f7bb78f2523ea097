using System.Diagnostics;
using System.Globalization;
using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Cli.Bench;

/// <summary>Times y = x·Wᵀ in several sizes beside the processor's measured peak.</summary>
internal static class MatrixBench
{
    private static readonly (int M, int N, int K)[] Sizes =
        [(512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (1024, 50257, 768), (1, 768, 768), (7, 33, 65), (100, 100, 100)];

    public static int Run(double seconds, int? threads)
    {
        using Workers workers = new(threads);
        using Tape tape = new(workers) { Recording = false };
        double peak = PeakRate.Measure(workers);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak of {workers.Count} threads: {peak:0.0} GFLOP/s (fused "
            + $"multiply-add, measured)"));
        Console.WriteLine($"tiles of {MatrixProduct.Instructions}");
        foreach ((int m, int n, int k) in Sizes)
        {
            double rate = Rate(tape, m, n, k, seconds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{$"{m} x {n} x {k}",-20} {rate,8:0.0} GFLOP/s  "
                + $"{100 * rate / peak,5:0.0} % of peak"));
        }
        return CommandLine.Done;
    }

    // The median of the repetitions.
    private static double Rate(Tape tape, int m, int n, int k, double seconds)
    {
        Tensor x = tape.New(new Shape(m, k)), weight = tape.New(new Shape(n, k));
        tape[x].Fill(0.5f);
        tape[weight].Fill(0.25f);
        Tape.Mark mark = tape.Here;
        List<double> times = [];
        long start = Stopwatch.GetTimestamp();
        for (int turn = 0; turn < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; turn++)
        {
            long before = Stopwatch.GetTimestamp();
            tape.Linear(x, weight);
            times.Add(Stopwatch.GetElapsedTime(before).TotalSeconds);
            tape.Rewind(mark);
        }
        tape.Rewind();
        times.Sort();
        return 2.0 * m * n * k / times[times.Count / 2] / 1e9;
    }
}
