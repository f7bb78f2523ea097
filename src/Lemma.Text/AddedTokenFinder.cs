using System.Buffers;
using System.Text;

namespace Lemma.Text;

/// <summary>Finds added tokens in a text: leftmost first, of those that start together the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly Dictionary<char, (string Pattern, AddedToken Token)[]> byFirst = [];
    private readonly SearchValues<char> firsts;

    /// <summary>A finder of tokens by their pattern, which is the content or its normalized form.</summary>
    public AddedTokenFinder(IEnumerable<(string Pattern, AddedToken Token)> tokens)
    {
        foreach (IGrouping<char, (string Pattern, AddedToken Token)> group in
                 tokens.Where(token => token.Pattern.Length > 0).GroupBy(token => token.Pattern[0]))
            byFirst[group.Key] = [.. group.OrderByDescending(token => token.Pattern.Length)];
        firsts = SearchValues.Create([.. byFirst.Keys]);
    }

    /// <summary>The first token at or after an index: its range of the text, white space that it takes included.</summary>
    /// <param name="text">The text.</param>
    /// <param name="from">Where the text that is still free begins.</param>
    /// <param name="start">Where the token begins.</param>
    /// <param name="end">Where it ends.</param>
    public AddedToken? Next(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        for (int at = from; at < text.Length; at++)
        {
            int step = text[at..].IndexOfAny(firsts);
            if (step < 0)
                break;
            at += step;
            if (Match(text[at..]) is not (string pattern, AddedToken token))
                continue;
            (start, end) = (at, at + pattern.Length);
            if (token.IsSingleWord && (EndsWithWord(text[..start]) || StartsWithWord(text[end..])))
            {
                at = end - 1;
                continue;
            }
            if (token.StripsLeft)
                start = Math.Max(from, text[..start].TrimEnd().Length);
            if (token.StripsRight)
                end = text.Length - text[end..].TrimStart().Length;
            return token;
        }
        (start, end) = (text.Length, text.Length);
        return null;
    }

    private (string Pattern, AddedToken Token)? Match(ReadOnlySpan<char> text)
    {
        foreach ((string Pattern, AddedToken Token) candidate in byFirst[text[0]])
            if (text.StartsWith(candidate.Pattern, StringComparison.Ordinal))
                return candidate;
        return null;
    }

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && WordCharacters.IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && WordCharacters.IsWord(rune);
}
