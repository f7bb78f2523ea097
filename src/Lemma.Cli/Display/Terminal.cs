namespace Lemma.Cli.Display;

/// <summary>What standard output is: a terminal to draw on, or a file or pipe that gets plain lines.</summary>
internal static class Terminal
{
    public static bool IsInteractive { get; set; } =
        !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not ("dumb" or "");

    /// <summary>Columns to draw in.</summary>
    public static int Width => IsInteractive && Console.WindowWidth > 0 ? Console.WindowWidth : 100;
}
