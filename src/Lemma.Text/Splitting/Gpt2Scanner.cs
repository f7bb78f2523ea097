using System.Globalization;
using System.Text;

namespace Lemma.Text.Splitting;

/// <summary>GPT-2's words: '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ on Unicode scalars.</summary>
/// <remarks>A hand-written scanner of the pattern. Unlike a .NET regular expression, which sees UTF-16 code units, it sees letters
/// outside the basic plane as letters.</remarks>
public static class Gpt2Scanner
{
    private enum Kind : byte { Other, Letter, Number, Space }

    private static readonly Kind[] Latin = MakeLatin();

    /// <summary>The end of the word that starts at <paramref name="start"/> in well-formed text.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    /// <param name="start">At least 0, below the text's length; the start of a scalar.</param>
    public static int EndOfNext(ReadOnlySpan<char> text, int start)
    {
        char first = text[start];
        if (first == '\'' && ContractionLength(text[(start + 1)..]) is int length and > 0)
            return start + 1 + length;
        Kind kind = KindAt(text, start, out int width);
        int at = start + width;
        if (kind == Kind.Space)
        {
            // An ASCII space joins the word that follows it.
            if (first != ' ' || at == text.Length || (kind = KindAt(text, at, out width)) == Kind.Space)
                return EndOfSpace(text, at);
            at += width;
        }
        while (at < text.Length && KindAt(text, at, out width) == kind)
            at += width;
        return at;
    }

    /// <summary>The run of white space; before a word its last character is left over, unless it is the only one.</summary>
    private static int EndOfSpace(ReadOnlySpan<char> text, int at)
    {
        // White space has no characters outside the basic plane, so each is one code unit.
        int second = at;
        while (at < text.Length && KindAt(text, at, out _) == Kind.Space)
            at++;
        return at == text.Length || at == second ? at : at - 1;
    }

    private static int ContractionLength(ReadOnlySpan<char> rest)
    {
        if (rest.IsEmpty)
            return 0;
        if (rest[0] is 's' or 'd' or 'm' or 't')
            return 1;
        return rest.StartsWith("ll") || rest.StartsWith("ve") || rest.StartsWith("re") ? 2 : 0;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, int index, out int width)
    {
        char c = text[index];
        width = 1;
        if (c < Latin.Length)
            return Latin[c];
        if (!char.IsHighSurrogate(c))
            return KindOf(new Rune(c));
        width = 2;
        return KindOf(new Rune(c, text[index + 1]));
    }

    private static Kind KindOf(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
        _ => Rune.IsWhiteSpace(rune) ? Kind.Space : Kind.Other,
    };

    private static Kind[] MakeLatin()
    {
        Kind[] kinds = new Kind[0x250];
        for (int c = 0; c < kinds.Length; c++)
            kinds[c] = KindOf(new Rune(c));
        return kinds;
    }
}
