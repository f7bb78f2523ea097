using System.Globalization;

namespace Lemma.Cli.Display;

/// <summary>The share of a work that is done, redrawn in place on a terminal; nothing elsewhere.</summary>
internal sealed class ShareLine : IProgress<double>, IDisposable
{
    private readonly bool draws = Terminal.IsInteractive && !Console.IsErrorRedirected;
    private int shown = -1;

    public void Report(double value)
    {
        int percent = (int)(100 * Math.Clamp(value, 0, 1));
        if (!draws || percent == shown)
            return;
        shown = percent;
        Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\r{percent,3} %"));
    }

    public void Dispose()
    {
        if (shown >= 0)
            Console.Error.Write("\r     \r");
    }
}
