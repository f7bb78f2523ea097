using System.Globalization;

namespace Lemma.Cli.Display;

/// <summary>Numbers as people read them.</summary>
internal static class Amount
{
    public static string Loss(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    public static string Perplexity(double loss) => Math.Exp(loss) switch
    {
        < 100 and double value => value.ToString("0.00", CultureInfo.InvariantCulture),
        < 1e6 and double value => value.ToString("#,0", CultureInfo.InvariantCulture),
        double value => value.ToString("0.0e+0", CultureInfo.InvariantCulture),
    };

    public static string Count(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A share in percent.</summary>
    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");

    /// <summary>Bytes in a unit that leaves three digits or so.</summary>
    public static string Bytes(double bytes) => bytes switch
    {
        < 1e6 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.0} kB"),
        < 1e9 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.00} GB"),
    };

    public static string LearningRate(double value) => value.ToString("0.00e+0", CultureInfo.InvariantCulture);

    /// <summary>As in 42s, 3:05 or 2:03:04.</summary>
    public static string Time(TimeSpan time) => time switch
    {
        { TotalSeconds: < 60 } => $"{Math.Ceiling(time.TotalSeconds):0}s",
        { TotalHours: < 1 } => $"{time.Minutes}:{time.Seconds:00}",
        _ => $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}",
    };
}
