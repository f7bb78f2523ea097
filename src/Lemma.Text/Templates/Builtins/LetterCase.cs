using System.Globalization;
using System.Text;

namespace Lemma.Text.Templates.Builtins;

/// <summary>Upper, lower and title case of texts as Python has them; the tables are the runtime's.</summary>
internal static class LetterCase
{
    public static string Upper(string text) => FullCase.Upper(text);

    public static string Lower(string text) => FullCase.Lower(text);

    public static string Fold(string text) => Lower(Upper(text));

    public static string Capitalize(string text)
    {
        int first = text.Length > 1 && char.IsSurrogatePair(text, 0) ? 2 : Math.Min(1, text.Length);
        return FullCase.Title(text[..first]) + LowerFrom(text, first);
    }

    /// <summary>Every letter behind one without case in title case, all others lower.</summary>
    public static string Title(string text)
    {
        StringBuilder result = new();
        bool follows = false;
        for (int i = 0, length; i < text.Length; i += length)
        {
            length = i + 1 < text.Length && char.IsSurrogatePair(text, i) ? 2 : 1;
            string letter = text.Substring(i, length);
            result.Append(follows ? FullCase.LowerAt(text, i, length) : FullCase.Title(letter));
            follows = IsCased(letter);
        }
        return result.ToString();
    }

    public static string Swap(string text)
    {
        StringBuilder result = new();
        for (int i = 0, length; i < text.Length; i += length)
        {
            length = i + 1 < text.Length && char.IsSurrogatePair(text, i) ? 2 : 1;
            string letter = text.Substring(i, length);
            result.Append(IsUpperLetter(letter) ? FullCase.LowerAt(text, i, length) : IsLowerLetter(letter) ? Upper(letter) : letter);
        }
        return result.ToString();
    }

    public static bool IsLower(string text) =>
        Any(text, IsLowerLetter) && !Any(text, letter => IsUpperLetter(letter) || IsTitleLetter(letter));

    public static bool IsUpper(string text) =>
        Any(text, IsUpperLetter) && !Any(text, letter => IsLowerLetter(letter) || IsTitleLetter(letter));

    public static bool IsTitle(string text)
    {
        bool follows = false, any = false;
        foreach (string letter in Values.CodePoints.Split(text))
        {
            bool isFirst = IsUpperLetter(letter) || IsTitleLetter(letter);
            if (isFirst ? follows : IsLowerLetter(letter) && !follows)
                return false;
            follows = isFirst || IsLowerLetter(letter);
            any |= follows;
        }
        return any;
    }

    public static bool IsLetter(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter
        or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
            or UnicodeCategory.OtherLetter;

    public static bool IsDecimal(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    public static bool IsDigit(Rune rune) => CharUnicodeInfo.GetDigitValue(rune.ToString(), 0) >= 0;

    public static bool IsNumeric(Rune rune) => CharUnicodeInfo.GetNumericValue(rune.ToString(), 0) >= 0;

    private static string LowerFrom(string text, int begin)
    {
        StringBuilder result = new();
        for (int i = begin, length; i < text.Length; i += length)
        {
            length = i + 1 < text.Length && char.IsSurrogatePair(text, i) ? 2 : 1;
            result.Append(FullCase.LowerAt(text, i, length));
        }
        return result.ToString();
    }

    private static bool Any(string text, Func<string, bool> test) => Values.CodePoints.Split(text).Any(test);

    internal static bool IsCased(string letter) => IsUpperLetter(letter) || IsLowerLetter(letter) || IsTitleLetter(letter);

    private static bool IsTitleLetter(string letter) => CharUnicodeInfo.GetUnicodeCategory(letter, 0) == UnicodeCategory.TitlecaseLetter;

    private static bool IsUpperLetter(string letter) =>
        CharUnicodeInfo.GetUnicodeCategory(letter, 0) == UnicodeCategory.UppercaseLetter || letter[0] is >= 'Ⅰ' and <= 'Ⅿ'
            or >= 'Ⓐ' and <= 'Ⓩ';

    private static bool IsLowerLetter(string letter) => CharUnicodeInfo.GetUnicodeCategory(letter, 0) == UnicodeCategory.LowercaseLetter
        || letter[0] is 'ª' or 'º' or >= 'ⅰ' and <= 'ⅿ' or >= 'ⓐ' and <= 'ⓩ' or >= 'ʰ' and <= 'ʸ';
}
