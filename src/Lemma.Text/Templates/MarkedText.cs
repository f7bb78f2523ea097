namespace Lemma.Text.Templates;

/// <summary>The text of a conversation, and which parts of it the model writes.</summary>
/// <param name="Text">The text.</param>
/// <param name="Answers">Where each part begins and ends, in UTF-16 code units.</param>
public sealed record MarkedText(string Text, IReadOnlyList<(int Start, int End)> Answers);
