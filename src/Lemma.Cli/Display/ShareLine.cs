using System.Globalization;

namespace Lemma.Cli.Display;

/// <summary>The share of a long work that is done, on one line of standard error that is written over; only where that is a terminal.</summary>
internal sealed class ShareLine(string what) : IProgress<double>, IDisposable
{
    private readonly bool isShown = !Console.IsErrorRedirected;
    private int width, told = -1;

    public void Report(double value)
    {
        int percent = (int)(100 * value);
        if (!isShown || percent == told)
            return;
        string line = string.Create(CultureInfo.InvariantCulture, $"{percent} % {what}");
        Console.Error.Write($"\r{line.PadRight(width)}");
        (told, width) = (percent, line.Length);
    }

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        if (width > 0)
            Console.Error.Write($"\r{new string(' ', width)}\r");
        width = 0;
    }
}
