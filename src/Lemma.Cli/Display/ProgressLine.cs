namespace Lemma.Cli.Display;

/// <summary>How far a long work is, on one line of standard error that is written over; only where that is a terminal.</summary>
internal sealed class ProgressLine(string what, int count) : IProgress<int>, IDisposable
{
    private readonly bool isShown = !Console.IsErrorRedirected;
    private int width;

    public void Report(int value)
    {
        if (!isShown)
            return;
        string line = $"{Amount.Count(value)} of {Amount.Count(count)} {what}";
        Console.Error.Write($"\r{line.PadRight(width)}");
        width = line.Length;
    }

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        if (width > 0)
            Console.Error.Write($"\r{new string(' ', width)}\r");
    }
}
