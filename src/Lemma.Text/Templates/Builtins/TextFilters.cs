using System.Text;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>Filters that make texts.</summary>
internal static class TextFilters
{
    public static IReadOnlyDictionary<string, Filter> All { get; } = new Dictionary<string, Filter>
    {
        ["tojson"] = JsonText.Filter,
        ["string"] = static (context, value, arguments) => value as StringValue ?? context.Text(value.ToText(context.Budget)),
        ["trim"] = static (context, value, arguments) => context.Text(TextParts.Strip(value.ToText(context.Budget),
            Arguments.TextOrNull("trim", arguments.Bind("trim", 0, "chars")[0]), true, true)),
        ["upper"] = static (context, value, arguments) => context.Text(LetterCase.Upper(value.ToText(context.Budget))),
        ["lower"] = static (context, value, arguments) => context.Text(LetterCase.Lower(value.ToText(context.Budget))),
        ["capitalize"] = static (context, value, arguments) => context.Text(LetterCase.Capitalize(value.ToText(context.Budget))),
        ["title"] = static (context, value, arguments) => context.Text(Title(value.ToText(context.Budget))),
        ["replace"] = static (context, value, arguments) =>
        {
            Value?[] given = arguments.Bind("replace", 2, "old", "new", "count");
            return Replace(context, value.ToText(context.Budget), given[0]!.ToText(context.Budget), given[1]!.ToText(context.Budget),
                given[2]);
        },
        ["center"] = static (context, value, arguments) => TextParts.Pad(context, value.ToText(context.Budget),
            Arguments.Integer("center", arguments.Bind("center", 0, "width")[0], 80), "center", " "),
        ["indent"] = Indent,
        ["truncate"] = Truncate,
        ["wordcount"] = static (context, value, arguments) => new IntegerValue(WordCount(value.ToText(context.Budget))),
        ["format"] = static (context, value, arguments) =>
            context.Text(PercentFormat.Apply(value.ToText(context.Budget), Values(arguments), context.Budget)),
        ["safe"] = static (context, value, arguments) => new StringValue(value.ToText(context.Budget), isMarkup: true),
        ["escape"] = EscapeFilter,
        ["e"] = EscapeFilter,
        ["forceescape"] = static (context, value, arguments) =>
            new StringValue(Escape(value.ToText(context.Budget), context.Budget), isMarkup: true),
        ["filesizeformat"] = SizeText.Filter,
        ["xmlattr"] = AttributeText.Filter,
        ["wordwrap"] = WrapText.Filter,
        ["striptags"] = MarkupText.StripTags,
        ["urlize"] = MarkupText.Urlize,
        ["pprint"] = PrettyText.Filter,
        ["urlencode"] = static (context, value, arguments) => UrlText.Encode(context, value),
    };

    /// <summary>Every occurrence, or the first few, replaced.</summary>
    public static StringValue Replace(RenderContext context, string text, string old, string replacement, Value? count)
    {
        long most = count is null or NoneValue ? -1 : Arguments.Integer("replace", count, -1);
        most = most < 0 ? long.MaxValue : most;
        context.Budget.UseText(text.Length);
        TextBuffer result = new(context.Budget);
        if (old.Length == 0)
            return ReplaceNothing(text, replacement, most, result);
        int done = 0;
        for (int at; most-- > 0 && (at = text.IndexOf(old, done, StringComparison.Ordinal)) >= 0; done = at + old.Length)
            result.Append(text[done..at]).Append(replacement);
        return new StringValue(result.Append(text[done..]).ToString());
    }

    // Nothing is before every character and at the end.
    private static StringValue ReplaceNothing(string text, string replacement, long most, TextBuffer result)
    {
        foreach (string letter in CodePoints.Split(text))
            result.Append(most-- > 0 ? replacement : "").Append(letter);
        return new StringValue(result.Append(most > 0 ? replacement : "").ToString());
    }

    /// <summary>A text whose signs mean nothing in HTML.</summary>
    public static string Escape(string text, Budget budget)
    {
        budget.UseText(6L * text.Length);
        return text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal)
            .Replace("\"", "&#34;", StringComparison.Ordinal);
    }

    private static StringValue EscapeFilter(RenderContext context, Value value, Arguments arguments) =>
        value is StringValue { IsMarkup: true } markup ? markup
            : new StringValue(Escape(value.ToText(context.Budget), context.Budget), isMarkup: true);

    private static Value Values(Arguments arguments)
    {
        if (arguments.Named.Count == 0)
            return new SequenceValue(arguments.Positional, isTuple: true);
        if (arguments.Positional.Count > 0)
            throw new TemplateFault("format: values come by place or by name, but both are given");
        DictionaryValue dictionary = new();
        foreach ((string name, Value value) in arguments.Named)
            dictionary.Add(new StringValue(name), value);
        return dictionary;
    }

    // Words begin behind white space, hyphens and opening brackets.
    private static string Title(string text)
    {
        StringBuilder result = new();
        for (int at = 0; at < text.Length;)
        {
            int end = at;
            bool isBreak = IsBreak(text[at]);
            while (end < text.Length && IsBreak(text[end]) == isBreak)
                end++;
            string word = text[at..end];
            int first = char.IsSurrogatePair(text, at) ? 2 : 1;
            result.Append(isBreak ? word : LetterCase.Upper(word[..first]) + LetterCase.Lower(word[first..]));
            at = end;
        }
        return result.ToString();
    }

    private static bool IsBreak(char letter) => Letters.IsSpace(letter) || letter is '-' or '(' or '{' or '[' or '<';

    private static StringValue Indent(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("indent", 0, "width", "first", "blank");
        string text = Arguments.Text("indent", value);
        string margin = given[0] is StringValue width ? width.Text
            : new string(' ', (int)Math.Clamp(Arguments.Integer("indent: width", given[0], 4), 0, 10_000));
        bool indentsFirst = given[1]?.IsTrue ?? false, indentsBlank = given[2]?.IsTrue ?? false;
        TextBuffer result = new(context.Budget);
        bool isFirst = true;
        foreach (string line in TextParts.Lines(text + "\n", keepsEnds: false))
        {
            if (!isFirst)
                result.Append('\n');
            if (isFirst ? indentsFirst : indentsBlank || line.Length > 0)
                result.Append(margin);
            result.Append(line);
            isFirst = false;
        }
        return new StringValue(result.ToString());
    }

    private static StringValue Truncate(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("truncate", 0, "length", "killwords", "end", "leeway");
        string text = Arguments.Text("truncate", value), end = given[2] is null ? "..." : Arguments.Text("truncate", given[2]);
        long length = Arguments.Integer("truncate", given[0], 255);
        long leeway = given[3] is null or NoneValue ? 5 : Arguments.Integer("truncate", given[3], 5);
        if (length < CodePoints.Count(end) || leeway < 0)
            throw new TemplateFault($"truncate: the length must be at least {CodePoints.Count(end)} and the leeway at least 0, "
                + $"but they are {length} and {leeway}");
        if (CodePoints.Count(text) <= length + leeway)
            return context.Text(text);
        string cut = TextParts.Cut(text, 0, length - CodePoints.Count(end));
        if (!(given[1]?.IsTrue ?? false) && cut.LastIndexOf(' ') is >= 0 and int space)
            cut = cut[..space];
        return context.Text(cut + end);
    }

    private static int WordCount(string text)
    {
        int count = 0;
        bool inside = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isWord = LetterCase.IsLetter(rune) || LetterCase.IsNumeric(rune) || rune.Value == '_';
            count += isWord && !inside ? 1 : 0;
            inside = isWord;
        }
        return count;
    }
}
