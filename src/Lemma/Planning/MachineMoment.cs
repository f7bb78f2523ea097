using System.Diagnostics;
using Lemma.Compute;

namespace Lemma.Planning;

/// <summary>What a machine gives at the moment, which on virtual ones changes from hour to hour: reads of memory, and threads that wake each other.</summary>
/// <param name="ReadRate">Bytes a second of a plain read.</param>
/// <param name="JobSeconds">Seconds in which all threads are given nothing to do, and have done it.</param>
public sealed record MachineMoment(double ReadRate, double JobSeconds)
{
    private const int Batches = 20, Jobs = 200;

    /// <summary>Measures reads of some bytes for some seconds, and jobs for some milliseconds.</summary>
    public static MachineMoment Measure(Workers workers, long bytes, double seconds) => new(MemoryRate.Measure(workers, bytes, seconds), MeasureJobs(workers));

    // The least mean of a batch.
    internal static double MeasureJobs(Workers workers)
    {
        double least = double.PositiveInfinity;
        for (int batch = 0; batch < Batches; batch++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int job = 0; job < Jobs; job++)
                workers.Run(workers.Count, 0, static (in _, _) => { });
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalSeconds / Jobs);
        }
        return least;
    }
}
