using Lemma.Cli.Parsing;
using Lemma.Decoding;
using Lemma.Language;

namespace Lemma.Cli.Chat;

/// <summary>A model without a chat template: what was said is one text, which it writes on. Questions are asked in the form Q: and A:.</summary>
internal sealed class DraftPartner(LanguageModel model, GenerationOptions options) : IChatPartner
{
    private readonly Draft draft = model.NewDraft();
    private bool asked;

    // Where the last answer begins; −1 without one.
    private int answerStart = -1;

    public string Help => """
        This model has no chat template: it writes a text on instead of answering.
        Type a beginning, and the model goes on; an empty line lets it go on from where it is.
        A line that ends with a question mark is asked about the text so far, and answered in one line; without a text the model tells one first.
        """;

    public string Text => draft.Text;

    public string Saved => draft.Text;

    public string? Remark => null;

    public (int Made, int Seen) Tokens => (draft.AddedTokens, draft.Length);

    public IEnumerable<string> Say(string line, CancellationToken cancellation)
    {
        asked = line.TrimEnd().EndsWith('?');
        if (!asked)
        {
            draft.Write(line);
        }
        else
        {
            // A question needs something to ask about: the model tells a text up to where its own questions would begin.
            if (draft.Text.Length == 0)
            {
                foreach (string piece in draft.Continue(options with { StopTexts = [.. options.StopTexts, "\nQ"] }, cancellation))
                    yield return piece;
                yield return "\n";
            }
            string question = line.StartsWith("Q:", StringComparison.Ordinal) ? line[2..].Trim() : line.Trim();
            draft.Write($"{(draft.Text.Length == 0 || draft.Text[^1] == '\n' ? "" : "\n")}Q: {question}\nA:");
        }
        answerStart = draft.Text.Length;
        foreach (string piece in Answer(cancellation))
            yield return piece;
    }

    public IEnumerable<string> Again(CancellationToken cancellation)
    {
        if (answerStart < 0)
            throw new UsageException("/regenerate: there is no answer yet");
        draft.Truncate(answerStart);
        return Answer(cancellation);
    }

    public void Begin(string system) => throw new UsageException("/system: a model without a chat template is told nothing first");

    public void Clear()
    {
        draft.Truncate(0);
        answerStart = -1;
    }

    public void Dispose() => draft.Dispose();

    private IEnumerable<string> Answer(CancellationToken cancellation)
    {
        try
        {
            foreach (string piece in draft.Continue(asked ? options with { StopTexts = [.. options.StopTexts, "\n"] } : options, cancellation))
                yield return piece;
        }
        finally
        {
            if (asked)
                draft.Write("\n");
        }
    }
}
