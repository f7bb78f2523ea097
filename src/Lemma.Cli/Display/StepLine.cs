namespace Lemma.Cli.Display;

/// <summary>What is being measured, on one line of standard error that is written over; only where that is a terminal.</summary>
internal sealed class StepLine : IProgress<string>, IDisposable
{
    private readonly bool isShown = !Console.IsErrorRedirected;
    private int width;

    public void Report(string value)
    {
        if (!isShown)
            return;
        string line = $"measuring: {value}";
        Console.Error.Write($"\r{line.PadRight(width)}");
        width = Math.Max(width, line.Length);
    }

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        if (width > 0)
            Console.Error.Write($"\r{new string(' ', width)}\r");
        width = 0;
    }
}
