using System.Diagnostics;
using System.Globalization;

namespace Lemma.Cli.Doctor;

/// <summary>What other programs, and other machines on the same processors, took while something ran here.</summary>
/// <param name="Others">The share of all processors' time that other programs took.</param>
/// <param name="Stolen">The share that a hypervisor gave to other machines.</param>
internal sealed record OtherWork(double Others, double Stolen)
{
    // The unit of /proc/stat for programs, on every kind of processor that .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>The state at a moment; null, with the reason noted, where the system does not tell.</summary>
    public static Moment? Now(SystemFiles files)
    {
        if (files.Read("/proc/stat", "work of other programs") is not { } text)
            return null;
        string[] lines = text.Split('\n');
        // cpu user nice system idle iowait irq softirq steal …
        double[] ticks = [.. lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(word => double.TryParse(word, CultureInfo.InvariantCulture, out double value) ? value : double.NaN)];
        int processors = lines.Count(line => line.StartsWith("cpu", StringComparison.Ordinal) && line.Length > 3 && char.IsAsciiDigit(line[3]));
        if (ticks.Length < 8 || processors == 0 || !ticks.All(double.IsFinite))
        {
            files.Note("work of other programs", "/proc/stat has another form");
            return null;
        }
        using Process own = Process.GetCurrentProcess();
        return new Moment((ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / TicksPerSecond, ticks[7] / TicksPerSecond, own.TotalProcessorTime.TotalSeconds,
            Stopwatch.GetTimestamp(), processors);
    }

    /// <summary>What was taken from one moment to another.</summary>
    public static OtherWork? Between(Moment? from, Moment? to)
    {
        if (from is null || to is null)
            return null;
        double all = Stopwatch.GetElapsedTime(from.Time, to.Time).TotalSeconds * to.Processors;
        return all <= 0 ? null : new OtherWork(Math.Max(0, (to.Busy - from.Busy - (to.Own - from.Own)) / all), Math.Max(0, (to.Stolen - from.Stolen) / all));
    }

    /// <summary>Seconds since the system began: of programs, stolen, of this process.</summary>
    internal sealed record Moment(double Busy, double Stolen, double Own, long Time, int Processors);
}
