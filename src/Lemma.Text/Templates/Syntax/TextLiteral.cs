using System.Globalization;
using System.Text;

namespace Lemma.Text.Templates.Syntax;

/// <summary>A text in single or double quotes with the escapes of Python.</summary>
internal static class TextLiteral
{
    public static Token Read(TemplateSource source, ref int position)
    {
        string text = source.Text;
        int begin = position, end = begin + 1;
        while (end < text.Length && text[end] != text[begin])
            end += text[end] == '\\' ? 2 : 1;
        if (end >= text.Length)
            throw source.Error("a text must end with the quote that it begins with, but does not", begin);
        position = end + 1;
        return new Token(TokenKind.Text, Resolve(source, begin + 1, end), begin);
    }

    private static string Resolve(TemplateSource source, int begin, int end)
    {
        string text = source.Text;
        if (text.IndexOf('\\', begin, end - begin) < 0)
            return text[begin..end];
        StringBuilder result = new();
        for (int i = begin; i < end; i++)
        {
            if (text[i] != '\\')
            {
                result.Append(text[i]);
                continue;
            }
            char next = text[++i];
            int digits = next switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits > 0)
            {
                AppendCode(source, result, i - 1, text.AsSpan(i + 1, Math.Min(digits, end - i - 1)), digits);
                i += digits;
            }
            else if (next is >= '0' and <= '7')
            {
                int code = 0, last = Math.Min(end, i + 3);
                while (i < last && text[i] is >= '0' and <= '7')
                    code = (code * 8) + text[i++] - '0';
                i--;
                result.Append((char)code);
            }
            else if (next == 'N')
                throw source.Error("a text may not name a character by '\\N', but does", i - 1);
            else if (next != '\n')
                AppendSimple(result, next);
        }
        return result.ToString();
    }

    private static void AppendSimple(StringBuilder result, char next)
    {
        int at = "\\'\"abfnrtv".IndexOf(next, StringComparison.Ordinal);
        if (at >= 0)
            result.Append("\\'\"\a\b\f\n\r\t\v"[at]);
        else if (next < 128)
            result.Append('\\').Append(next);
        else
            // Python sees the escaped form of such a character behind the backslash.
            result.Append(next < 256 ? "\\x" : "\\u").Append(((int)next).ToString(next < 256 ? "x2" : "x4", CultureInfo.InvariantCulture));
    }

    private static void AppendCode(TemplateSource source, StringBuilder result, int at, ReadOnlySpan<char> digits, int count)
    {
        if (digits.Length < count || !uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code)
            || code > 0x10FFFF)
            throw source.Error($"an escape of a character must have {count} hexadecimal digits and name one, but is "
                + $"'{source.Text.AsSpan(at, Math.Min(2 + digits.Length, source.Text.Length - at))}'", at);
        if (code < 0x10000)
            result.Append((char)code);
        else
            result.Append(char.ConvertFromUtf32((int)code));
    }
}
