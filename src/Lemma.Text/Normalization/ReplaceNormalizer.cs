using Lemma.Text.Patterns;

namespace Lemma.Text.Normalization;

/// <summary>Replaces every occurrence of a fixed text or of a regular expression, from left to right.</summary>
public sealed class ReplaceNormalizer : Normalizer
{
    private readonly Pattern? regex;

    /// <summary>Replaces <paramref name="pattern"/>, which must not be empty, by <paramref name="content"/>.</summary>
    /// <exception cref="ArgumentException">The pattern is empty or not a valid regular expression.</exception>
    public ReplaceNormalizer(string pattern, string content, bool isRegex = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        ArgumentNullException.ThrowIfNull(content);
        (Pattern, Content, IsRegex) = (pattern, content, isRegex);
        regex = isRegex ? new Pattern(pattern) : null;
    }

    /// <summary>What is replaced; a fixed text is compared by code units.</summary>
    public string Pattern { get; }

    /// <summary>What stands in its place, as it is; may be empty.</summary>
    public string Content { get; }

    /// <summary>Whether the pattern is a regular expression.</summary>
    public bool IsRegex { get; }

    /// <inheritdoc/>
    public override void Apply(AlignedText text)
    {
        if (regex is not null)
        {
            ApplyRegex(text, regex);
            return;
        }
        if (text.Text.IndexOf(Pattern) < 0)
            return;
        text.BeginRewrite();
        int at = 0;
        for (int found; (found = text.Text[at..].IndexOf(Pattern)) >= 0; at += Pattern.Length)
        {
            text.Keep(at, at + found);
            at += found;
            text.Append(Content, at, at + Pattern.Length);
        }
        text.Keep(at, text.Text.Length);
        text.EndRewrite();
    }

    private void ApplyRegex(AlignedText text, Pattern regex)
    {
        // Nothing is found in an empty text, as the peer has it.
        if (text.Text.IsEmpty)
            return;
        text.BeginRewrite();
        int at = 0;
        foreach ((int start, int end) in regex.FindAll(text.Text))
        {
            text.Keep(at, start);
            text.Append(Content, start, at = end);
        }
        text.Keep(at, text.Text.Length);
        text.EndRewrite();
    }
}
