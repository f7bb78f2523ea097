namespace Lemma.Text.Splitting;

/// <summary>GPT-2's words: '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ on Unicode scalars.</summary>
/// <remarks>A hand-written scanner of the pattern. Unlike a .NET regular expression, which sees UTF-16 code units, it sees letters
/// outside the basic plane as letters. The pattern of r50k and p50k.</remarks>
public readonly struct Gpt2Scanner : IWordScanner
{
    /// <summary>The end of the word that starts at <paramref name="start"/>; a lone surrogate counts as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">At least 0, below the text's length; the start of a scalar.</param>
    public static int EndOfNext(ReadOnlySpan<char> text, int start)
    {
        int at = start;
        char first = text[at];
        if (first == ' ' && ++at == text.Length)
            return at;
        char c = text[at];
        if ((uint)((c | 0x20) - 'a') < 26)
            return WordScanner.EndOfLetters(text, at);
        if (c == '\'' && at == start && WordScanner.Contraction(text, start, ignoresCase: false) is int length and > 0)
            return start + length;
        CharacterClass kind = CharacterClasses.At(text, at, out int width) & (CharacterClass)7;
        return kind == CharacterClass.Space
            ? WordScanner.EndOfSpace(text, start) : CharacterClasses.EndOfRun(text, at + width, kind);
    }
}
