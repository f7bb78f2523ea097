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

    public static string LearningRate(double value) => value.ToString("0.00e+0", CultureInfo.InvariantCulture);

    /// <summary>As in 42s, 3:05 or 2:03:04.</summary>
    public static string Time(TimeSpan time) => time switch
    {
        { TotalSeconds: < 60 } => $"{Math.Ceiling(time.TotalSeconds):0}s",
        { TotalHours: < 1 } => $"{time.Minutes}:{time.Seconds:00}",
        _ => $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}",
    };
}
