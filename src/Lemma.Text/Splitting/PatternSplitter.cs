using System.Text.RegularExpressions;

namespace Lemma.Text.Splitting;

/// <summary>Splits by a pattern: known ones by a hand-written scanner, fixed texts by search, others by a regular expression.</summary>
/// <remarks>A regular expression sees UTF-16 code units, so letters outside the basic plane are none for it; known patterns see
/// Unicode scalars. It may take ten seconds a text, then the encoding ends with an error.</remarks>
public sealed class PatternSplitter : Splitter
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly Regex? regex;
    private readonly ScanNext? scanner;
    private readonly MatchParts match;

    private PatternSplitter(string pattern, bool isRegex, SplitBehavior behavior, bool isInverted)
    {
        if (pattern.Length == 0)
            throw new ArgumentException("split: the pattern must not be empty");
        (Pattern, IsRegex, Behavior, IsInverted) = (pattern, isRegex, behavior, isInverted);
        match = Match;
        if (!isRegex)
            return;
        if (WordPatterns.Recognize(pattern) is WordPattern known)
        {
            scanner = WordPatterns.ScannerOf(known);
            if (Covers)
                Known = known;
            return;
        }
        try
        {
            regex = new Regex(pattern, RegexOptions.CultureInvariant, Patience);
        }
        catch (ArgumentException error)
        {
            throw new ArgumentException($"split: the regular expression '{Shortened(pattern)}' is not valid: {error.Message}", error);
        }
    }

    /// <summary>A splitter by a regular expression.</summary>
    /// <exception cref="ArgumentException">The expression is empty or not valid.</exception>
    public static PatternSplitter OfRegex(string pattern, SplitBehavior behavior = SplitBehavior.Isolated, bool isInverted = false) =>
        new(pattern, isRegex: true, behavior, isInverted);

    /// <summary>A splitter by a fixed text.</summary>
    /// <exception cref="ArgumentException">The text is empty.</exception>
    public static PatternSplitter OfText(string pattern, SplitBehavior behavior = SplitBehavior.Isolated, bool isInverted = false) =>
        new(pattern, isRegex: false, behavior, isInverted);

    /// <summary>A splitter by a known pattern.</summary>
    public static PatternSplitter Of(WordPattern pattern) => OfRegex(WordPatterns.TextOf(pattern));

    /// <summary>The regular expression or the fixed text.</summary>
    public string Pattern { get; }

    /// <summary>Whether the pattern is a regular expression.</summary>
    public bool IsRegex { get; }

    /// <summary>What becomes of parts that match.</summary>
    public SplitBehavior Behavior { get; }

    /// <summary>Whether the parts between matches count as matches instead.</summary>
    public bool IsInverted { get; }

    /// <summary>The pattern whose every match is one piece; null for other patterns.</summary>
    internal WordPattern? Known { get; }

    internal override bool CutsAtSpaces => Known is not null;

    // A known pattern matches every character, so these ways to split come to the same.
    private bool Covers => Behavior == SplitBehavior.Isolated || (Behavior == SplitBehavior.Removed && IsInverted);

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer)
    {
        if (Known is not null)
            buffer.Cut(scanner!);
        else
            buffer.Cut(match, Behavior);
    }

    private void Match(ReadOnlySpan<char> piece, List<(int End, bool IsMatch)> parts)
    {
        int at = 0;
        if (scanner is not null)
            while (at < piece.Length)
                Add(parts, ref at, at, scanner(piece, at));
        else if (regex is null)
            for (int found; (found = piece[at..].IndexOf(Pattern)) >= 0;)
                Add(parts, ref at, at + found, at + found + Pattern.Length);
        else
            MatchRegex(piece, parts, ref at);
        if (at < piece.Length)
            parts.Add((piece.Length, IsInverted));
    }

    private void MatchRegex(ReadOnlySpan<char> piece, List<(int End, bool IsMatch)> parts, ref int at)
    {
        try
        {
            foreach (ValueMatch found in regex!.EnumerateMatches(piece))
                Add(parts, ref at, found.Index, found.Index + found.Length);
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new ArgumentException($"encode: the pattern '{Shortened(Pattern)}' must split a text of {piece.Length} characters in "
                + $"{Patience.TotalSeconds} s, but did not", error);
        }
    }

    private void Add(List<(int End, bool IsMatch)> parts, ref int at, int start, int end)
    {
        if (start > at)
            parts.Add((start, IsInverted));
        if (end > start)
            parts.Add((end, !IsInverted));
        at = end;
    }

    private static string Shortened(string pattern) => pattern.Length <= 60 ? pattern : pattern[..60] + "...";
}
