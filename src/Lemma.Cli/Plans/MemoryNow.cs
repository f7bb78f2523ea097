using Lemma.Compute;
using Lemma.Planning;

namespace Lemma.Cli.Plans;

/// <summary>What the machine gives at the moment, measured once for amounts of memory that are much the same: a quarter of a second each.</summary>
internal sealed class MemoryNow(int threads)
{
    private const double Seconds = 0.25;

    // Amounts that differ by less than a fifth are read at the same rate.
    private const double Steps = 4;

    private readonly Dictionary<int, MachineMoment> moments = [];

    /// <summary>The bytes that were asked for last, and the moment.</summary>
    public (long Bytes, MachineMoment Moment)? Last { get; private set; }

    /// <summary>The moment by reads of some bytes.</summary>
    public MachineMoment Of(long bytes)
    {
        int place = (int)Math.Round(Steps * Math.Log2(Math.Max(1, bytes)));
        if (!moments.TryGetValue(place, out MachineMoment? moment))
        {
            using Workers workers = new(threads);
            moments.Add(place, moment = MachineMoment.Measure(workers, bytes, Seconds));
        }
        Last = (bytes, moment);
        return moment;
    }
}
