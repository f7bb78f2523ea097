using System.Diagnostics;
using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Bench;

/// <summary>The least time that a formula's forward can take on one thread: its bytes over the bandwidth, or its products over the peak.</summary>
internal sealed class Floor
{
    private const int Megabytes = 256, Rounds = 5;

    /// <summary>Bytes a second of a copy from memory to memory, read and written.</summary>
    public double Bandwidth { get; } = MeasureBandwidth();

    /// <summary>Float32 operations a second.</summary>
    public double Peak { get; } = MeasurePeak();

    /// <summary>Seconds, and which of the two it is.</summary>
    public (double Seconds, string Bound) Of(string name, FormulaExample example)
    {
        Values output = FormulaIndex.Find(name).Run(example.Inputs, example.Attributes);
        double memory = 4.0 * (example.Inputs.Values.Sum(values => (long)values.Count) + output.Count) / Bandwidth;
        double products = Work.Operations(name, example) / Peak;
        return products > memory ? (products, "products") : (memory, "memory");
    }

    private static double MeasureBandwidth()
    {
        float[] from = new float[Megabytes << 18], to = new float[Megabytes << 18];
        // Pages that nothing was written to are one page of zeros, which the cache holds.
        Array.Fill(from, 1);
        Array.Fill(to, 1);
        double best = double.PositiveInfinity;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            from.CopyTo(to, 0);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return 2.0 * from.Length * sizeof(float) / best;
    }

    private static double MeasurePeak()
    {
        using Workers workers = new(1);
        return PeakRate.Measure(workers) * 1e9;
    }
}
