using System.Globalization;
using System.Text;

namespace Lemma.Text;

/// <summary>\w of Unicode's regular expressions (UTS 18): alphabetic, marks, decimal numbers, connectors, joiners.</summary>
internal static class WordCharacters
{
    /// <summary>Whether a scalar is part of a word.</summary>
    public static bool IsWord(Rune rune) => rune.IsAscii
        ? Rune.IsLetterOrDigit(rune) || rune.Value == '_'
        : Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber
                or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => true,
            // Letters in circles and squares are symbols that are alphabetic; the joiners hold words together.
            _ => rune.Value is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169)
                or (>= 0x1F170 and <= 0x1F189) or 0x200C or 0x200D,
        };
}
