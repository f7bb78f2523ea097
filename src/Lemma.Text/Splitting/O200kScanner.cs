namespace Lemma.Text.Splitting;

/// <summary>The words of o200k: [^\r\n\p{L}\p{N}]?U*W+(c)?|[^\r\n\p{L}\p{N}]?U+W*(c)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|
/// \s+(?!\S)|\s+, where U is [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], W is [\p{Ll}\p{Lm}\p{Lo}\p{M}], c is (?i:'s|'t|'re|'ve|'m|'ll|'d).</summary>
/// <remarks>On Unicode scalars. In words: upper case starts a new word after lower case.</remarks>
public readonly struct O200kScanner : IWordScanner
{
    /// <summary>The end of the word that starts at <paramref name="start"/>; a lone surrogate counts as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">At least 0, below the text's length; the start of a scalar.</param>
    public static int EndOfNext(ReadOnlySpan<char> text, int start)
    {
        char first = text[start];
        CharacterClass kind = CharacterClasses.At(text, start, out int width);
        bool prefixes = (kind & (CharacterClass.Letter | CharacterClass.Number)) == 0 && first is not ('\r' or '\n');
        int word = EndOfWord(text, start, prefixes ? start + width : -1);
        if (word > start)
            return word + WordScanner.Contraction(text, word, ignoresCase: true);
        int at = start + width;
        if ((kind & CharacterClass.Number) != 0)
            return Cl100kScanner.EndOfDigits(text, at, 2);
        if (kind == CharacterClass.Space)
        {
            bool joins = first == ' ' && at < text.Length
                && (CharacterClasses.At(text, at, out width) & (CharacterClass)7) == CharacterClass.Other;
            if (!joins)
                return WordScanner.EndOfLines(text, start);
            at += width;
        }
        at = CharacterClasses.EndOfRun(text, at, CharacterClass.Other);
        while (at < text.Length && text[at] is '\r' or '\n' or '/')
            at++;
        return at;
    }

    /// <summary>The end of the word from a start or after a prefix (−1 for none), or −1; the alternatives in the pattern's order.</summary>
    private static int EndOfWord(ReadOnlySpan<char> text, int start, int afterPrefix)
    {
        int capitals = -1;
        if (afterPrefix >= 0)
        {
            int end = EndWithLower(text, afterPrefix, out capitals);
            if (end >= 0)
                return end;
        }
        int plain = EndWithLower(text, start, out int plainCapitals);
        if (plain >= 0)
            return plain;
        if (afterPrefix >= 0 && capitals > afterPrefix)
            return capitals;
        return plainCapitals > start ? plainCapitals : -1;
    }

    /// <summary>U*W+ : its end or −1, and the end of U* taken alone.</summary>
    private static int EndWithLower(ReadOnlySpan<char> text, int at, out int capitals)
    {
        int endOfShared = -1, width;
        CharacterClass kind = CharacterClass.Other;
        while (at < text.Length && IsUpper(kind = CharacterClasses.At(text, at, out width)))
        {
            at += width;
            if (IsLower(kind))
                endOfShared = at;
        }
        capitals = at;
        if (at == text.Length || !IsLower(kind))
            return endOfShared;
        while (at < text.Length && IsLower(CharacterClasses.At(text, at, out width)))
            at += width;
        return at;
    }

    private static bool IsUpper(CharacterClass kind) =>
        (kind & (CharacterClass.Letter | CharacterClass.Mark)) != 0 && (kind & CharacterClass.Lower) == 0;

    private static bool IsLower(CharacterClass kind) =>
        (kind & (CharacterClass.Letter | CharacterClass.Mark)) != 0 && (kind & CharacterClass.Upper) == 0;
}
