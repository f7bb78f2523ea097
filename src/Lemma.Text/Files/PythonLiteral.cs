using System.Globalization;
using System.Text;

namespace Lemma.Text.Files;

/// <summary>Python's literals of strings and bytes, in quotes of one character and with every escape but names of characters.</summary>
internal static class PythonLiteral
{
    private const string Escapes = "\\'\"abfnrtv", Meanings = "\\'\"\a\b\f\n\r\t\v";

    /// <summary>The bytes of a literal, those of a string in UTF-8; null for what is none.</summary>
    public static byte[]? TryRead(ReadOnlySpan<char> literal)
    {
        bool isBytes = literal.Length > 0 && literal[0] is 'b' or 'B';
        if (isBytes)
            literal = literal[1..];
        if (literal.Length < 2 || literal[0] is not ('\'' or '"') || literal[^1] != literal[0])
            return null;
        char quote = literal[0];
        literal = literal[1..^1];
        List<byte> bytes = [];
        Span<byte> utf8 = stackalloc byte[4];
        for (int at = 0; at < literal.Length;)
        {
            int value = literal[at] == '\\' ? ReadEscape(literal, ref at, isBytes)
                : literal[at] == quote ? -1
                : ReadScalar(literal, ref at);
            if (isBytes ? value is < 0 or > 0xFF : !Rune.IsValid(value))
                return null;
            if (isBytes)
                bytes.Add((byte)value);
            else
                bytes.AddRange(utf8[..new Rune(value).EncodeToUtf8(utf8)]);
        }
        return [.. bytes];
    }

    private static int ReadScalar(ReadOnlySpan<char> literal, ref int at)
    {
        Rune.DecodeFromUtf16(literal[at..], out Rune rune, out int width);
        at += width;
        return rune.Value;
    }

    /// <summary>The value of an escape, or −1.</summary>
    private static int ReadEscape(ReadOnlySpan<char> literal, ref int at, bool isBytes)
    {
        if (++at == literal.Length)
            return -1;
        char kind = literal[at];
        int digits = kind switch { 'x' => 2, 'u' when !isBytes => 4, 'U' when !isBytes => 8, _ => 0 };
        if (digits > 0)
        {
            at += 1 + digits;
            return at <= literal.Length && int.TryParse(
                literal[(at - digits)..at], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) ? value : -1;
        }
        if (kind is >= '0' and <= '7')
        {
            int value = 0;
            for (int end = Math.Min(literal.Length, at + 3); at < end && literal[at] is >= '0' and <= '7'; at++)
                value = (8 * value) + literal[at] - '0';
            return value;
        }
        at++;
        int place = Escapes.IndexOf(kind, StringComparison.Ordinal);
        return place < 0 ? -1 : Meanings[place];
    }
}
