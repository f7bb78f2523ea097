using System.Text;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Text;

namespace Lemma.Cli.Commands;

/// <summary>The text of a chat: what was typed and what the model added, of which the model sees the end that fits.</summary>
internal sealed class ChatText(LanguageModel model, Generator generator, GenerationOptions options)
{
    private readonly StringBuilder text = new();
    private ulong turn;

    public string Text => text.ToString();

    public void Clear() => text.Clear();

    /// <summary>Adds a line and lets the model go on; a question is answered up to the end of the line.</summary>
    public void Say(string line, CancellationToken cancellation)
    {
        bool question = line.TrimEnd().EndsWith('?');
        if (question && line.StartsWith("Q:", StringComparison.Ordinal))
            line = line[2..];
        if (question && text.Length == 0)
            Begin(cancellation);
        if (question)
            text.Append(text.Length == 0 || text[^1] == '\n' ? "" : "\n").Append("Q: ").Append(line.Trim()).Append("\nA:");
        else
            text.Append(line);

        // Every turn draws anew, and a chat with the same lines and seed is the same chat.
        GenerationOptions turnOptions = options with { Seed = options.Seed + turn++ };
        ReadOnlyMemory<int> prompt = Fit(model.Prompt(Text), turnOptions.MaximumTokens);
        generator.Start(prompt, turnOptions);
        List<int> ids = GenerateCommand.Stream(
            model.Tokenizer, generator, prompt.Span, CancellationToken.None,
            piece => !cancellation.IsCancellationRequested && (!question || !piece.Contains('\n')));
        Console.WriteLine();
        string added = Added(prompt.Span, ids);
        text.Append(question && added.IndexOf('\n') is >= 0 and int end ? added[..(end + 1)] : added);
    }

    // A question needs something to ask about: the model tells a text up to where its own questions would begin.
    private void Begin(CancellationToken cancellation)
    {
        GenerationOptions beginning = options with { Seed = options.Seed + turn++ };
        ReadOnlyMemory<int> prompt = Fit(model.Prompt(""), beginning.MaximumTokens);
        generator.Start(prompt, beginning);
        bool lineBegins = false;
        List<int> ids = GenerateCommand.Stream(model.Tokenizer, generator, prompt.Span, CancellationToken.None, piece =>
        {
            bool asks = lineBegins && piece.StartsWith('Q');
            lineBegins = piece.EndsWith('\n');
            return !asks && !cancellation.IsCancellationRequested;
        });
        string told = Added(prompt.Span, ids);
        int end = told.IndexOf("\nQ", StringComparison.Ordinal);
        text.Append(end < 0 ? told : told[..(end + 1)]);
    }

    private string Added(ReadOnlySpan<int> prompt, List<int> ids)
    {
        StreamingDecoder decoder = new(model.Tokenizer, prompt: prompt);
        return string.Concat(ids.Select(decoder.Append)) + decoder.Finish();
    }

    private ReadOnlyMemory<int> Fit(int[] ids, int room)
    {
        int longest = model.Decoder.Config.MaximumLength, kept = Math.Max(longest / 2, longest - room);
        return ids.AsMemory(Math.Max(0, ids.Length - kept));
    }
}
