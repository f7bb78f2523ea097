using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Lemma.Text.Splitting;

/// <summary>What a scanner asks of a character.</summary>
[Flags]
internal enum CharacterClass : byte
{
    /// <summary>Punctuation, symbols, controls, marks and what is not assigned.</summary>
    Other = 0,

    /// <summary>\p{L}.</summary>
    Letter = 1,

    /// <summary>\p{N}.</summary>
    Number = 2,

    /// <summary>\s.</summary>
    Space = 4,

    /// <summary>\p{M}.</summary>
    Mark = 8,

    /// <summary>\p{Lu} or \p{Lt}; set beside <see cref="Letter"/>.</summary>
    Upper = 16,

    /// <summary>\p{Ll}; set beside <see cref="Letter"/>.</summary>
    Lower = 32,
}

/// <summary>The class of every character; one byte a code unit of the basic plane.</summary>
internal static class CharacterClasses
{
    private static readonly CharacterClass[] BasicPlane = Make();

    /// <summary>The class of the character at an index and its number of code units; a lone surrogate counts as U+FFFD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharacterClass At(ReadOnlySpan<char> text, int index, out int width)
    {
        char c = text[index];
        width = 1;
        return char.IsHighSurrogate(c) ? Pair(text, index, out width) : BasicPlane[c];
    }

    /// <summary>The end of the run of characters of exactly this class, Upper, Lower and Mark left aside.</summary>
    public static int EndOfRun(ReadOnlySpan<char> text, int at, CharacterClass kind)
    {
        while (at < text.Length && (At(text, at, out int width) & (CharacterClass)7) == kind)
            at += width;
        return at;
    }

    private static CharacterClass Pair(ReadOnlySpan<char> text, int index, out int width)
    {
        width = 1;
        if (index + 1 == text.Length || !char.IsLowSurrogate(text[index + 1]))
            return CharacterClass.Other;
        width = 2;
        return ClassOf(new Rune(text[index], text[index + 1]));
    }

    private static CharacterClass ClassOf(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharacterClass.Letter | CharacterClass.Upper,
        UnicodeCategory.LowercaseLetter => CharacterClass.Letter | CharacterClass.Lower,
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharacterClass.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterClass.Number,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharacterClass.Mark,
        _ => Rune.IsWhiteSpace(rune) ? CharacterClass.Space : CharacterClass.Other,
    };

    private static CharacterClass[] Make()
    {
        CharacterClass[] classes = new CharacterClass[0x10000];
        for (int c = 0; c < classes.Length; c++)
            if (Rune.TryCreate(c, out Rune rune))
                classes[c] = ClassOf(rune);
        return classes;
    }
}
