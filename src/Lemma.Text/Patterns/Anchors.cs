namespace Lemma.Text.Patterns;

/// <summary>The conditions of places.</summary>
internal static class Anchors
{
    private static readonly CharacterSet Words = CharacterProperties.Get(CharacterProperties.WordOrLatinNumber);

    /// <summary>Whether a condition holds at a place.</summary>
    public static bool Holds(Anchor anchor, ReadOnlySpan<char> text, int at) => anchor switch
    {
        Anchor.LineStart => at == 0 || (text[at - 1] == '\n' && at < text.Length),
        Anchor.LineEnd => at == text.Length || text[at] == '\n',
        Anchor.TextStart => at == 0,
        Anchor.TextEnd => at == text.Length,
        Anchor.LastLineEnd => at == text.Length || (at == text.Length - 1 && text[at] == '\n'),
        Anchor.WordBoundary => IsWordBefore(text, at) != IsWordAt(text, at),
        _ => IsWordBefore(text, at) == IsWordAt(text, at),
    };

    private static bool IsWordBefore(ReadOnlySpan<char> text, int at) =>
        at > 0 && IsWordAt(text, at - (at > 1 && char.IsLowSurrogate(text[at - 1]) ? 2 : 1));

    private static bool IsWordAt(ReadOnlySpan<char> text, int at) => at < text.Length && Words.Contains(Unicode.RuneAt(text, at).Value);
}
