using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>Cutting and filling texts as Python does.</summary>
internal static class TextParts
{
    /// <summary>Without the white space, or the given characters, at its ends.</summary>
    public static string Strip(string text, string? characters, bool left, bool right)
    {
        int begin = 0, end = text.Length;
        if (characters is null)
        {
            while (left && begin < end && Letters.IsSpace(text[begin]))
                begin++;
            while (right && end > begin && Letters.IsSpace(text[end - 1]))
                end--;
            return text[begin..end];
        }
        int[] places = CodePoints.Places(text);
        HashSet<string> set = [.. CodePoints.Split(characters)];
        (begin, end) = (0, places.Length - 1);
        while (left && begin < end && set.Contains(text[places[begin]..places[begin + 1]]))
            begin++;
        while (right && end > begin && set.Contains(text[places[end - 1]..places[end]]))
            end--;
        return text[places[begin]..places[end]];
    }

    /// <summary>The parts between separators, or between runs of white space; at most so many cuts.</summary>
    public static IEnumerable<string> Split(string text, string? separator, int most, bool fromRight)
    {
        if (separator is null)
            return fromRight ? SplitSpacesFromRight(text, most) : SplitSpaces(text, most);
        if (!fromRight)
            return text.Split(separator, (int)Math.Min((long)most + 1, int.MaxValue));
        List<string> parts = [];
        int end = text.Length;
        for (int at; most-- > 0 && (at = end == 0 ? -1
            : text.LastIndexOf(separator, end - 1, end, StringComparison.Ordinal)) >= 0; end = at)
            parts.Add(text[(at + separator.Length)..end]);
        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    private static List<string> SplitSpaces(string text, int most)
    {
        List<string> parts = [];
        for (int at = 0; ;)
        {
            while (at < text.Length && Letters.IsSpace(text[at]))
                at++;
            if (at == text.Length)
                return parts;
            int begin = at;
            while (at < text.Length && (parts.Count == most || !Letters.IsSpace(text[at])))
                at++;
            parts.Add(text[begin..at]);
        }
    }

    private static List<string> SplitSpacesFromRight(string text, int most)
    {
        List<string> parts = [];
        for (int end = text.Length; ;)
        {
            while (end > 0 && Letters.IsSpace(text[end - 1]))
                end--;
            if (end == 0)
                break;
            int last = end;
            while (end > 0 && (parts.Count == most || !Letters.IsSpace(text[end - 1])))
                end--;
            parts.Add(text[end..last]);
        }
        parts.Reverse();
        return parts;
    }

    /// <summary>The lines, by every character that Python takes for a line's end.</summary>
    public static IEnumerable<string> Lines(string text, bool keepsEnds)
    {
        for (int begin = 0; begin < text.Length;)
        {
            int end = begin;
            while (end < text.Length && text[end] is not ('\n' or '\r' or '\v' or '\f' or '\u001C' or '\u001D' or '\u001E' or '\u0085'
                       or '\u2028' or '\u2029'))
                end++;
            int next = end == text.Length ? end : text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1;
            yield return text[begin..(keepsEnds ? next : end)];
            begin = next;
        }
    }

    /// <summary>How often a part occurs, without overlaps.</summary>
    public static int Count(string text, string part) => text.AsSpan().Count(part);

    /// <summary>A slice by code points.</summary>
    public static string Cut(string text, long start, long end)
    {
        int[] places = CodePoints.Places(text);
        long count = places.Length - 1;
        long from = Math.Clamp(start < 0 ? start + count : start, 0, count), to = Math.Clamp(end < 0 ? end + count : end, 0, count);
        return from < to ? text[places[from]..places[to]] : "";
    }

    /// <summary>Filled up to a width: ljust, rjust or center.</summary>
    public static StringValue Pad(RenderContext context, string text, long width, string side, string fill)
    {
        long missing = Math.Min(width, int.MaxValue) - CodePoints.Count(text);
        if (missing <= 0)
            return context.Text(text);
        context.Budget.UseText((missing * fill.Length) + text.Length);
        // Of an odd number Python puts one more on the left where the width is odd.
        long left = side switch { "ljust" => 0, "rjust" => missing, _ => (missing / 2) + (missing & width & 1) };
        string Filling(long count) => new System.Text.StringBuilder().Insert(0, fill, (int)count).ToString();
        return new StringValue(Filling(left) + text + Filling(missing - left));
    }
}
