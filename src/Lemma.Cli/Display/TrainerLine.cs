using System.Globalization;
using Lemma.Text.Training;

namespace Lemma.Cli.Display;

/// <summary>How far a tokenizer's trainer is, redrawn in place on a terminal; nothing elsewhere.</summary>
internal sealed class TrainerLine : IProgress<TrainerProgress>, IDisposable
{
    private readonly bool draws = Terminal.IsInteractive && !Console.IsErrorRedirected;
    private string shown = "";

    public void Report(TrainerProgress value)
    {
        string text = value.Characters > 0 ? string.Create(CultureInfo.InvariantCulture, $"{value.Characters / 1e6:0} million characters read")
            : string.Create(CultureInfo.InvariantCulture, $"{(int)(100 * Math.Clamp(value.Learned, 0, 1)),3} % learned");
        if (!draws || text == shown)
            return;
        Console.Error.Write("\r" + text.PadRight(shown.Length));
        shown = text;
    }

    public void Dispose()
    {
        if (shown.Length > 0)
            Console.Error.Write("\r" + new string(' ', shown.Length) + "\r");
    }
}
