using System.Buffers;
using System.Text;
using Lemma.Text.Normalization;

namespace Lemma.Text;

/// <summary>Finds added tokens in a text: leftmost first, of those that start together the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly Candidate[] candidates;
    private readonly char[] firsts;
    private readonly int[] starts;
    private readonly SearchValues<char> anyFirst;

    private sealed record Candidate(string Pattern, AddedToken Token, int Order);

    /// <summary>A finder of tokens by their pattern, which is the content or its normalized form.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="normalizer">What rewrites the content; null for nothing.</param>
    public AddedTokenFinder(IEnumerable<AddedToken> tokens, Normalizer? normalizer = null)
    {
        List<Candidate> sorted = [];
        foreach (AddedToken token in tokens)
            if ((normalizer?.NormalizeToken(token.Content) ?? token.Content) is { Length: > 0 } pattern)
                sorted.Add(new Candidate(pattern, token, sorted.Count));
        sorted.Sort(Compare);
        candidates = [.. sorted];
        List<char> letters = [];
        List<int> places = [];
        for (int i = 0; i < candidates.Length; i++)
            if (i == 0 || candidates[i].Pattern[0] != candidates[i - 1].Pattern[0])
            {
                letters.Add(candidates[i].Pattern[0]);
                places.Add(i);
            }
        places.Add(candidates.Length);
        (firsts, starts, anyFirst) = ([.. letters], [.. places], SearchValues.Create([.. letters]));
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
            int step = text[at..].IndexOfAny(anyFirst);
            if (step < 0)
                break;
            at += step;
            if (Match(text[at..]) is not var (pattern, token, _))
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

    // By the first character, of equals the longest first, of equals the earliest.
    private static int Compare(Candidate a, Candidate b)
    {
        int order = a.Pattern[0] - b.Pattern[0];
        if (order == 0)
            order = b.Pattern.Length - a.Pattern.Length;
        return order != 0 ? order : a.Order - b.Order;
    }

    private Candidate? Match(ReadOnlySpan<char> text)
    {
        int group = firsts.AsSpan().IndexOf(text[0]);
        for (int i = starts[group]; i < starts[group + 1]; i++)
            if (text.StartsWith(candidates[i].Pattern, StringComparison.Ordinal))
                return candidates[i];
        return null;
    }

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && WordCharacters.IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && WordCharacters.IsWord(rune);
}
