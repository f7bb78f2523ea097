using System.Runtime.CompilerServices;

namespace Lemma.Text.Splitting;

/// <summary>The words of cl100k and Llama 3:
/// '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+.</summary>
/// <remarks>On Unicode scalars.</remarks>
public readonly struct Cl100kScanner : IWordScanner
{
    /// <summary>The end of the word that starts at <paramref name="start"/>; a lone surrogate counts as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">At least 0, below the text's length; the start of a scalar.</param>
    public static int EndOfNext(ReadOnlySpan<char> text, int start) => EndOfNext(text, start, mostDigits: 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int EndOfNext(ReadOnlySpan<char> text, int start, int mostDigits)
    {
        char first = text[start];
        if (first == '\'' && WordScanner.Contraction(text, start, ignoresCase: true) is int length and > 0)
            return start + length;
        CharacterClass kind = CharacterClasses.At(text, start, out int width);
        int at = start + width;
        if ((kind & CharacterClass.Letter) != 0)
            return WordScanner.EndOfLetters(text, at);
        if ((kind & CharacterClass.Number) != 0)
            return EndOfDigits(text, at, mostDigits - 1);
        CharacterClass next = at < text.Length ? CharacterClasses.At(text, at, out width) : CharacterClass.Space;
        if ((next & CharacterClass.Letter) != 0 && first is not ('\r' or '\n'))
            return WordScanner.EndOfLetters(text, at);
        if (kind == CharacterClass.Space)
        {
            bool joins = first == ' ' && (next & (CharacterClass)7) == CharacterClass.Other;
            if (!joins)
                return WordScanner.EndOfLines(text, start);
            at += width;
        }
        at = CharacterClasses.EndOfRun(text, at, CharacterClass.Other);
        while (at < text.Length && text[at] is '\r' or '\n')
            at++;
        return at;
    }

    /// <summary>The end of at most so many more numbers.</summary>
    internal static int EndOfDigits(ReadOnlySpan<char> text, int at, int most)
    {
        for (; most > 0 && at < text.Length && (CharacterClasses.At(text, at, out int width) & CharacterClass.Number) != 0; most--)
            at += width;
        return at;
    }
}

/// <summary>The words of Qwen: those of cl100k, but every number alone, \p{N} in the place of \p{N}{1,3}.</summary>
/// <remarks>On Unicode scalars.</remarks>
public readonly struct QwenScanner : IWordScanner
{
    /// <summary>The end of the word that starts at <paramref name="start"/>; a lone surrogate counts as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">At least 0, below the text's length; the start of a scalar.</param>
    public static int EndOfNext(ReadOnlySpan<char> text, int start) => Cl100kScanner.EndOfNext(text, start, mostDigits: 1);
}
