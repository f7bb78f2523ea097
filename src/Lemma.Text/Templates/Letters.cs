using System.Globalization;
using System.Text;

namespace Lemma.Text.Templates;

/// <summary>Classes of characters as Python has them.</summary>
internal static class Letters
{
    /// <summary>White space, with the four separators of ASCII that .NET leaves out.</summary>
    public static bool IsSpace(char letter) => char.IsWhiteSpace(letter) || letter is >= '\u001C' and <= '\u001F';

    /// <summary>Whether a name may begin or go on with the character at a place.</summary>
    public static bool IsName(string text, int at, bool isFirst)
    {
        char letter = text[at];
        if (letter < 128)
            return char.IsAsciiLetter(letter) || letter == '_' || (!isFirst && char.IsAsciiDigit(letter));
        if (char.IsLowSurrogate(letter) && at > 0 && char.IsHighSurrogate(text[at - 1]))
            return !isFirst;
        return CharUnicodeInfo.GetUnicodeCategory(text, at) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber => true,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.DecimalDigitNumber
                or UnicodeCategory.ConnectorPunctuation => !isFirst,
            _ => false,
        };
    }

    /// <summary>Whether the representation of a text shows a character as it is.</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
