using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Formats;
using Lemma.Text.Templates;
using Spectre.Console;

namespace Lemma.Cli.Chat;

/// <summary>Lines in, answers out, and the commands in between.</summary>
internal sealed class ChatLoop(IChatPartner partner, int longest, Func<string?> readLine)
{
    private const string Commands = """
        /regenerate answers once more, /new begins anew, /system TEXT begins anew and tells the model something first,
        /text shows what was said, /save FILE keeps it, /help shows this, /exit leaves (as Ctrl-D does). Ctrl-C ends an answer.
        A line that ends with \ goes on in the next.
        """;

    public void Run()
    {
        if (Display.Terminal.IsInteractive)
            ShowHelp();
        while (readLine() is { } line)
        {
            string command = line.Trim(), word = command.Split(' ')[0], rest = command[word.Length..].Trim();
            if (word == "/exit")
                return;
            try
            {
                Obey(line, word, rest);
            }
            // A wrong line is no end of a chat, where somebody sits before it.
            catch (Exception e) when (Display.Terminal.IsInteractive
                && e is UsageException or ArgumentException or TemplateException or IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"lemma chat: {e.Message}");
            }
        }
    }

    private void Obey(string line, string word, string rest)
    {
        switch (word)
        {
            case "/new":
                partner.Clear();
                break;
            case "/system":
                if (rest.Length == 0)
                    throw new UsageException("/system: a text must follow, such as /system Answer in one sentence.");
                partner.Begin(rest);
                break;
            case "/regenerate":
                Show(partner.Again);
                break;
            case "/text":
                Console.WriteLine(partner.Text);
                break;
            case "/save":
                if (rest.Length == 0)
                    throw new UsageException("/save: a file's name must follow");
                AtomicFile.Write(rest, stream => stream.Write(Encoding.UTF8.GetBytes(partner.Saved)));
                break;
            case "/help":
                ShowHelp();
                break;
            default:
                if (word.Length > 1 && word[0] == '/' && word.AsSpan(1).IndexOfAnyExceptInRange('a', 'z') < 0)
                    throw new UsageException($"{word}: there is no such command; /help lists them");
                Show(cancellation => partner.Say(line, cancellation));
                break;
        }
    }

    private void ShowHelp()
    {
        Console.WriteLine(partner.Help);
        Console.WriteLine(Commands);
    }

    // Ctrl-C ends the answer, not the chat; at the prompt it ends the tool.
    private void Show(Func<CancellationToken, IEnumerable<string>> answer)
    {
        using Interruption interruption = new();
        WordWriter writer = WordWriter.ForConsole();
        long first = 0;
        try
        {
            foreach (string piece in answer(interruption.Token))
            {
                first = first == 0 ? Stopwatch.GetTimestamp() : first;
                writer.Write(piece);
            }
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
        }
        finally
        {
            writer.EndLine();
        }
        if (!Display.Terminal.IsInteractive)
            return;
        (int made, int seen) = partner.Tokens;
        double seconds = first == 0 ? 0 : Stopwatch.GetElapsedTime(first).TotalSeconds;
        // The first token's time is the prompt's.
        string rate = made > 1 && seconds > 0 ? string.Create(CultureInfo.InvariantCulture, $"{(made - 1) / seconds:0.0} tokens/s, ") : "";
        string remark = partner.Remark is { } text ? $"; {text}" : "";
        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[dim]{made} tokens, {rate}{seen} of {longest} of the context{remark}[/]");
    }
}
