using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Lemma.Text.Templates.Builtins;

/// <summary>Full case mapping: a character may become several (Unicode, SpecialCasing.txt, the lines without a language).</summary>
internal static class FullCase
{
    private static readonly FrozenDictionary<string, string> UpperTable = Table(FullCaseTable.Upper),
        TitleTable = Table(FullCaseTable.Title);

    public static string Upper(string text) => Map(text, UpperTable);

    /// <summary>Title case of one character.</summary>
    public static string Title(string letter) => TitleTable.GetValueOrDefault(letter) ?? Upper(letter);

    public static string Lower(string text)
    {
        string lower = text.ToLowerInvariant();
        if (text.AsSpan().IndexOfAny('\u0130', 'Σ') < 0)
            return lower;
        StringBuilder result = new();
        for (int i = 0; i < text.Length; i++)
            result.Append(text[i] is '\u0130' or 'Σ' ? LowerAt(text, i, 1) : lower[i]);
        return result.ToString();
    }

    /// <summary>Lower case of one character in its text: a sigma that ends a word is another.</summary>
    public static string LowerAt(string text, int at, int length) => text[at] switch
    {
        '\u0130' => "i\u0307",
        'Σ' => IsFinal(text, at) ? "ς" : "σ",
        _ => text.Substring(at, length).ToLowerInvariant(),
    };

    private static bool IsFinal(string text, int at)
    {
        int before = at - 1, after = at + 1;
        while (before >= 0 && IsIgnored(text, before))
            before--;
        while (after < text.Length && IsIgnored(text, after))
            after++;
        return before >= 0 && IsCased(text, before) && !(after < text.Length && IsCased(text, after));
    }

    private static bool IsCased(string text, int at)
    {
        if (char.IsLowSurrogate(text[at]) && at > 0)
            at--;
        return LetterCase.IsCased(text.Substring(at, char.IsSurrogatePair(text, at) ? 2 : 1));
    }

    private static bool IsIgnored(string text, int at) =>
        text[at] is '\'' or '.' or ':' or '\u00B7' or '\u2018' or '\u2019' or '\u2024' or '\u2027'
        || CharUnicodeInfo.GetUnicodeCategory(text, at) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    private static string Map(string text, FrozenDictionary<string, string> table)
    {
        string simple = text.ToUpperInvariant();
        if (text.All(char.IsAscii))
            return simple;
        StringBuilder result = new();
        foreach (string letter in Values.CodePoints.Split(text))
            result.Append(table.GetValueOrDefault(letter) ?? letter.ToUpperInvariant());
        return result.ToString();
    }

    private static FrozenDictionary<string, string> Table(string text) => text.Split(' ').ToFrozenDictionary(
        static entry => char.ConvertFromUtf32(int.Parse(entry.Split('=')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
        static entry => string.Concat(entry.Split('=')[1].Split('+')
            .Select(static code => char.ConvertFromUtf32(int.Parse(code, NumberStyles.HexNumber, CultureInfo.InvariantCulture)))),
        StringComparer.Ordinal);
}
