using Lemma.Compute;

namespace Lemma.Cli.Plans;

/// <summary>What memory gives at the moment, measured once for amounts that are much the same: a quarter of a second each.</summary>
internal sealed class MemoryNow(int threads)
{
    private const double Seconds = 0.25;

    // Amounts that differ by less than a fifth are read at the same rate.
    private const double Steps = 4;

    private readonly Dictionary<int, double> rates = [];

    /// <summary>The bytes that were asked for last, and their rate.</summary>
    public (long Bytes, double Rate)? Last { get; private set; }

    /// <summary>Bytes a second of a plain read of some bytes.</summary>
    public double RateOf(long bytes)
    {
        int place = (int)Math.Round(Steps * Math.Log2(Math.Max(1, bytes)));
        if (!rates.TryGetValue(place, out double rate))
        {
            using Workers workers = new(threads);
            rates.Add(place, rate = MemoryRate.Measure(workers, bytes, Seconds));
        }
        Last = (bytes, rate);
        return rate;
    }
}
