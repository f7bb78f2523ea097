using Lemma.Text.Patterns;

namespace Lemma.Text.Splitting;

/// <summary>Splits by a pattern: known ones by a hand-written scanner, fixed texts by search, others by a regular expression.</summary>
/// <remarks>Regular expressions are those of tokenizer files (Oniguruma's), over Unicode scalars, in time linear in the text.</remarks>
public sealed class PatternSplitter : Splitter
{
    private readonly Pattern? regex;
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
        regex = new Pattern(pattern);
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
            foreach ((int start, int end) in regex.FindAll(piece))
                Add(parts, ref at, start, end);
        if (at < piece.Length)
            parts.Add((piece.Length, IsInverted));
    }

    private void Add(List<(int End, bool IsMatch)> parts, ref int at, int start, int end)
    {
        if (start > at)
            parts.Add((start, IsInverted));
        if (end > start)
            parts.Add((end, !IsInverted));
        at = end;
    }
}
