using Lemma.Decoding;
using Lemma.Language.Tools;

namespace Lemma.Language.Serving;

/// <summary>What happened to one answer of a request.</summary>
/// <param name="Text">What happened to its text, marks included.</param>
/// <param name="Deltas">What it adds to what is said, thought and called; often nothing.</param>
public readonly record struct AnswerUpdate(TextUpdate Text, IReadOnlyList<AnswerDelta> Deltas)
{
    /// <summary>Whether the answer called a tool so far.</summary>
    public bool Calls { get; init; }

    /// <summary>The number of the answer, from 0.</summary>
    public int Sequence => Text.Sequence;

    /// <summary>Why it ended; null while it goes on.</summary>
    public TextEnd? End => Text.End;
}
