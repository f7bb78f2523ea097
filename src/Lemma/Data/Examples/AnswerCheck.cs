using System.Globalization;
using System.Text;

namespace Lemma.Data;

/// <summary>Whether a text gives the answer that is known to be right.</summary>
/// <remarks>
/// The final answer of a text is what stands behind its last "####", inside its last \boxed{…}, or else the whole of it. It is right where it is the
/// known answer, apart from letter case, spaces and a stop at the end; a number is right where the final answer's last number has the same value.
/// </remarks>
public static class AnswerCheck
{
    private const string Mark = "####", Box = "\\boxed{";

    /// <summary>Whether the final answer of a text is the known one.</summary>
    public static bool IsRight(string text, string answer)
    {
        string final = FinalAnswer(text), known = FinalAnswer(answer);
        return Number(known) is { } number ? LastNumber(final) == number : string.Equals(Plain(final), Plain(known), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The part of a text that is its final answer.</summary>
    public static string FinalAnswer(string text)
    {
        int mark = text.LastIndexOf(Mark, StringComparison.Ordinal);
        if (mark >= 0)
            return text[(mark + Mark.Length)..].Trim();
        int box = text.LastIndexOf(Box, StringComparison.Ordinal);
        return box < 0 ? text : Inside(text, box + Box.Length);
    }

    // Up to the brace that closes the box; braces inside it come in pairs.
    private static string Inside(string text, int start)
    {
        int depth = 1, end = start;
        while (end < text.Length && (depth += text[end] == '{' ? 1 : text[end] == '}' ? -1 : 0) > 0)
            end++;
        return text[start..end].Trim();
    }

    private static string Plain(string text)
    {
        StringBuilder plain = new();
        foreach (string word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            plain.Append(plain.Length == 0 ? "" : " ").Append(word);
        return plain.ToString().TrimEnd('.', ' ');
    }

    private static decimal? Number(string text) => decimal.TryParse(text.Trim().TrimStart('$').TrimEnd('.', '%'),
        NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowThousands,
        CultureInfo.InvariantCulture, out decimal value) ? value : null;

    private static decimal? LastNumber(string text)
    {
        static bool IsPart(char c) => char.IsAsciiDigit(c) || c is '.' or ',';
        int end = text.AsSpan().LastIndexOfAnyInRange('0', '9') + 1, start = end;
        while (start > 0 && IsPart(text[start - 1]))
            start--;
        start += start < end && text[start] == ',' ? 1 : 0;
        // A dash behind a digit or a letter is no sign.
        bool isNegative = start > 0 && text[start - 1] is '-' or '−' && (start == 1 || !char.IsLetterOrDigit(text[start - 2]));
        return Number(text[start..end]) is { } value ? (isNegative ? -value : value) : null;
    }
}
