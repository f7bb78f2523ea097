using System.Diagnostics;
using Lemma.Compute;

namespace Lemma.Planning;

/// <summary>What this machine reaches at the moment in each kind of work, with some threads: operations and bytes a second.</summary>
/// <remarks>Each is the best of a few short runs: what the machine gives when nothing else runs. A multiplication and an addition are two operations.</remarks>
public sealed record MachineRates
{
    private const int Size = 1024, Rounds = 3, Length = 1024, Heads = 8, HeadWidth = 64, RowsOfQuantized = 512;

    // Slow machines have fewer rounds.
    private const double MostSeconds = 2;

    /// <summary>Threads that worked together.</summary>
    public required int Threads { get; init; }

    /// <summary>Fused multiply-adds of float32 in registers (<see cref="PeakRate"/>).</summary>
    public required double PeakOperations { get; init; }

    /// <summary>A product of two matrices of 1024 × 1024 in float32, packing included.</summary>
    public required double ProductOperations { get; init; }

    /// <summary>A product of 512 rows with a matrix of 1024 × 1024 whose weights have 8 bits (Q8_0), rounding of the rows included.</summary>
    public required double QuantizedOperations { get; init; }

    /// <summary>Causal attention over 1024 positions, 8 heads of 64, forward and backward.</summary>
    public required double AttentionOperations { get; init; }

    /// <summary>Bytes read from memory (<see cref="MemoryRate"/>).</summary>
    public required double MemoryBytes { get; init; }

    /// <summary>Measures, in about two seconds.</summary>
    public static MachineRates Measure(Workers workers)
    {
        ArgumentNullException.ThrowIfNull(workers);
        Calibration times = new(workers, null);
        double peak = 0, product = double.PositiveInfinity, quantized = double.PositiveInfinity, attention = double.PositiveInfinity;
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < Rounds && (round == 0 || Stopwatch.GetElapsedTime(start).TotalSeconds < MostSeconds); round++)
        {
            peak = Math.Max(peak, PeakRate.Measure(workers));
            product = Math.Min(product, times.TimeOfProduct(Size, Size, Size));
            quantized = Math.Min(quantized, WeightRate.TimeOfProduct(workers, "Q8_0", RowsOfQuantized, Size, Size));
            attention = Math.Min(attention, times.TimeOfAttention(1, Length, Heads, HeadWidth));
        }
        return new MachineRates
        {
            Threads = workers.Count,
            PeakOperations = peak * 1e9,
            ProductOperations = 2.0 * Size * Size * Size / product,
            QuantizedOperations = 2.0 * RowsOfQuantized * Size * Size / quantized,
            AttentionOperations = Calibration.OperationsOfAttention(1, Length, Heads, HeadWidth) / attention,
            MemoryBytes = MemoryRate.Measure(workers),
        };
    }
}
