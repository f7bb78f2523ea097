using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Language.Tools;

namespace Lemma.Server;

/// <summary>An answer put together of its pieces, for a reply that is no stream.</summary>
internal sealed class WholeAnswer
{
    /// <summary>What was said, thought and called.</summary>
    public AnswerParts Parts { get; } = new();

    /// <summary>Its tokens, where they are asked for.</summary>
    public List<TokenChoice> Choices { get; } = [];

    public TextEnd End { get; private set; }

    public void Add(AnswerUpdate update)
    {
        foreach (AnswerDelta delta in update.Deltas)
            Parts.Add(delta);
        if (update.Text.Choice is { } choice)
            Choices.Add(choice);
        End = update.End ?? End;
    }
}
