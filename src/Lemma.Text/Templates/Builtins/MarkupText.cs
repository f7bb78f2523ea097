using System.Net;
using System.Text.RegularExpressions;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The filters striptags and urlize: HTML to text, and addresses in a text to links.</summary>
internal static partial class MarkupText
{
    private static readonly (string Open, string Close)[] Brackets = [("(", ")"), ("<", ">"), ("&lt;", "&gt;")];

    /// <summary>Without comments, tags and runs of white space; entities become their characters.</summary>
    public static Value StripTags(RenderContext context, Value value, Arguments arguments)
    {
        arguments.Bind("striptags", 0);
        string text = value.ToText(context.Budget);
        context.Budget.UseText(4L * text.Length);
        text = Without(Without(text, "<!--", "-->"), "<", ">");
        return context.Text(WebUtility.HtmlDecode(string.Join(' ', TextParts.Split(text, null, int.MaxValue, false))));
    }

    /// <summary>Addresses of pages and of mail as links.</summary>
    public static Value Urlize(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("urlize", 0, "trim_url_limit", "nofollow", "target", "rel", "extra_schemes");
        long limit = given[0] is null or NoneValue ? long.MaxValue : Arguments.Integer("urlize", given[0], 0);
        SortedSet<string> relations = new(StringComparer.Ordinal) { "noopener" };
        if (given[1]?.IsTrue ?? false)
            relations.Add("nofollow");
        relations.UnionWith(TextParts.Split(Arguments.TextOrNull("urlize", given[3]) ?? "", null, int.MaxValue, false));
        string budgeted = TextFilters.Escape(Arguments.Text("urlize", value), context.Budget), attributes =
            $" rel=\"{TextFilters.Escape(string.Join(' ', relations), context.Budget)}\"";
        if (Arguments.TextOrNull("urlize", given[2]) is { Length: > 0 } target)
            attributes += $" target=\"{TextFilters.Escape(target, context.Budget)}\"";
        string[] schemes = given[4] is null or NoneValue ? [] : [.. given[4]!.Iterate().Select(one => Arguments.Text("urlize", one))];
        string Shorten(string address) => CodePoints.Count(address) > limit ? TextParts.Cut(address, 0, limit) + "..." : address;
        TextBuffer result = new(context.Budget);
        foreach (Match word in Words().Matches(budgeted))
        {
            (string head, string middle, string tail) = Split(word.Value);
            result.Append(head).Append(Link(middle, attributes, schemes, Shorten)).Append(tail);
        }
        return new StringValue(result.ToString());
    }

    private static string Link(string middle, string attributes, string[] schemes, Func<string, string> shorten)
    {
        bool isHttp = middle.StartsWith("https://", StringComparison.Ordinal) || middle.StartsWith("http://", StringComparison.Ordinal);
        if (Page().IsMatch(middle))
            return $"<a href=\"{(isHttp ? "" : "https://")}{middle}\"{attributes}>{shorten(middle)}</a>";
        if (middle.StartsWith("mailto:", StringComparison.Ordinal) && Mail().IsMatch(middle[7..]))
            return $"<a href=\"{middle}\">{middle[7..]}</a>";
        if (middle.IndexOf('@', StringComparison.Ordinal) > 0 && !middle.StartsWith("www.", StringComparison.Ordinal)
            && !middle.Contains(':', StringComparison.Ordinal) && Mail().IsMatch(middle))
            return $"<a href=\"mailto:{middle}\">{middle}</a>";
        return schemes.Any(scheme => middle != scheme && middle.StartsWith(scheme, StringComparison.Ordinal))
            ? $"<a href=\"{middle}\"{attributes}>{middle}</a>" : middle;
    }

    // What stands around an address: brackets, and a sentence's marks; brackets that belong to it are given back.
    private static (string Head, string Middle, string Tail) Split(string word)
    {
        string head = Head().Match(word).Value, middle = word[head.Length..], tail = Tail().Match(middle).Value;
        middle = middle[..^tail.Length];
        foreach ((string open, string close) in Brackets)
        {
            int missing = TextParts.Count(middle, open);
            if (missing <= TextParts.Count(middle, close))
                continue;
            for (int count = Math.Min(missing, TextParts.Count(tail, close)); count > 0; count--)
            {
                int end = tail.IndexOf(close, StringComparison.Ordinal) + close.Length;
                (middle, tail) = (middle + tail[..end], tail[end..]);
            }
        }
        return (head, middle, tail);
    }

    // From each opening to the next closing; an opening that is never closed stays, with what follows.
    private static string Without(string text, string open, string close)
    {
        System.Text.StringBuilder result = new();
        int done = 0;
        for (int start; (start = text.IndexOf(open, done, StringComparison.Ordinal)) >= 0;)
        {
            int end = text.IndexOf(close, start, StringComparison.Ordinal);
            if (end < 0)
                break;
            result.Append(text, done, start - done);
            done = end + close.Length;
        }
        return result.Append(text, done, text.Length - done).ToString();
    }

    [GeneratedRegex(@"\s+|\S+")]
    private static partial Regex Words();

    [GeneratedRegex(@"^(?:[(<]|&lt;)+")]
    private static partial Regex Head();

    [GeneratedRegex(@"(?:[)>.,\n]|&gt;)+\z", RegexOptions.RightToLeft)]
    private static partial Regex Tail();

    [GeneratedRegex(@"^\S+@\w[\w.-]*\.\w+$")]
    private static partial Regex Mail();

    [GeneratedRegex(@"^(?:(?:https?://|www\.)(?:(?:[\w%-]+\.)+)?(?:[a-z]{2,63}|xn--[\w%]{2,59})|(?:[\w%-]{2,63}\.)+"
        + @"(?:com|net|int|edu|gov|org|info|mil)|https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}]))"
        + @"(?::\d{1,5})?(?:[/?#]\S*)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Page();
}
