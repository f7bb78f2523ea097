using System.Text.RegularExpressions;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The filter wordwrap: lines of at most so many characters, broken as Python's textwrap breaks them.</summary>
internal static partial class WrapText
{
    public static Value Filter(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("wordwrap", 0, "width", "break_long_words", "wrapstring", "break_on_hyphens");
        long width = Arguments.Integer("wordwrap", given[0], 79);
        bool breaksWords = given[1]?.IsTrue ?? true, breaksHyphens = given[3]?.IsTrue ?? true;
        string end = Arguments.TextOrNull("wordwrap", given[2]) ?? "\n", text = Arguments.Text("wordwrap", value);
        if (width <= 0)
            throw new TemplateFault($"wordwrap: the width must be above 0, but is {width}");
        context.Budget.UseText(text.Length * 8L);
        IEnumerable<string> lines = TextParts.Lines(text, keepsEnds: false)
            .Select(line => string.Join(end, Wrap(line, (int)Math.Min(width, int.MaxValue), breaksWords, breaksHyphens)));
        return context.Text(string.Join(end, lines));
    }

    private static List<string> Wrap(string text, int width, bool breaksWords, bool breaksHyphens)
    {
        List<string> lines = [];
        Stack<string> parts = new((breaksHyphens ? Hyphens() : Spaces()).Matches(text).Select(static match => match.Value).Reverse());
        while (parts.Count > 0)
        {
            if (lines.Count > 0 && IsBlank(parts.Peek()))
                parts.Pop();
            List<string> line = [];
            int length = 0;
            while (parts.Count > 0 && length + CodePoints.Count(parts.Peek()) <= width)
            {
                length += CodePoints.Count(parts.Peek());
                line.Add(parts.Pop());
            }
            if (parts.Count > 0 && CodePoints.Count(parts.Peek()) > width)
                BreakWord(parts, line, width - length, breaksWords, breaksHyphens);
            if (line.Count > 0 && IsBlank(line[^1]))
                line.RemoveAt(line.Count - 1);
            if (line.Count > 0)
                lines.Add(string.Concat(line));
        }
        return lines;
    }

    // A word that is longer than a line.
    private static void BreakWord(Stack<string> parts, List<string> line, int space, bool breaksWords, bool breaksHyphens)
    {
        if (breaksWords && space > 0)
        {
            string word = parts.Pop();
            int end = CodePoints.Places(word)[space];
            int hyphen = breaksHyphens ? word.LastIndexOf('-', end - 1, end) : -1;
            if (hyphen > 0 && word.AsSpan(0, hyphen).ContainsAnyExcept('-'))
                end = hyphen + 1;
            line.Add(word[..end]);
            parts.Push(word[end..]);
        }
        else if (line.Count == 0)
            line.Add(parts.Pop());
    }

    private static bool IsBlank(string part) => TextParts.Strip(part, null, true, true).Length == 0;

    [GeneratedRegex(@"[\t\n\v\f\r ]+|[^\t\n\v\f\r ]+")]
    private static partial Regex Spaces();

    // White space, a dash between words, or a word up to its hyphen, its end or a dash.
    [GeneratedRegex(@"[\t\n\v\f\r ]+|(?<=[\w!""'&.,?])-{2,}(?=\w)|[^\t\n\v\f\r ]+?(?:-(?:(?<=[^\d\W]{2}-)|(?<=[^\d\W]-[\w!""'&.,?]-))"
        + @"(?=[^\d\W]-?[^\d\W])|(?=[\t\n\v\f\r ]|\z)|(?<=[\w!""'&.,?])(?=-{2,}\w))")]
    private static partial Regex Hyphens();
}
