using System.Text;
using Lemma.Text.Normalization;

namespace Lemma.Text.Splitting;

/// <summary>A splitter for which each Unicode scalar matches or does not.</summary>
public abstract class ScalarSplitter : Splitter
{
    private readonly MatchParts match;

    /// <summary>A splitter with what becomes of the scalars that match.</summary>
    private protected ScalarSplitter(SplitBehavior behavior)
    {
        Behavior = behavior;
        match = Match;
    }

    /// <summary>What becomes of the scalars that match.</summary>
    public SplitBehavior Behavior { get; }

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer) => buffer.Cut(match, Behavior);

    /// <summary>Whether a scalar matches.</summary>
    private protected abstract bool Matches(Rune rune);

    private void Match(ReadOnlySpan<char> piece, List<(int End, bool IsMatch)> parts)
    {
        int open = 0;
        for (int at = 0, width; at < piece.Length; at += width)
        {
            Rune rune = Unicode.RuneAt(piece, at);
            width = rune.Utf16SequenceLength;
            if (!Matches(rune))
                continue;
            if (at > open)
                parts.Add((at, false));
            parts.Add((open = at + width, true));
        }
        if (open < piece.Length)
            parts.Add((piece.Length, false));
    }
}

/// <summary>Splits at white space, which goes.</summary>
public sealed class WhitespaceSplitter() : ScalarSplitter(SplitBehavior.Removed)
{
    internal override bool CutsAtSpaces => true;

    private protected override bool Matches(Rune rune) => Rune.IsWhiteSpace(rune);
}

/// <summary>Splits at one character, which goes.</summary>
/// <param name="delimiter">The character.</param>
public sealed class DelimiterSplitter(Rune delimiter) : ScalarSplitter(SplitBehavior.Removed)
{
    /// <summary>The character.</summary>
    public Rune Delimiter { get; } = delimiter;

    private protected override bool Matches(Rune rune) => rune == Delimiter;
}

/// <summary>Splits at punctuation: \p{P} and the ASCII symbols.</summary>
/// <param name="behavior">What becomes of punctuation.</param>
public sealed class PunctuationSplitter(SplitBehavior behavior = SplitBehavior.Isolated) : ScalarSplitter(behavior)
{
    private protected override bool Matches(Rune rune) => UnicodeTables.IsPunctuation(rune.Value);
}

/// <summary>Splits at numbers, \p{N}.</summary>
/// <param name="isIndividual">Whether every number is a piece by itself, and not a run of them.</param>
public sealed class DigitsSplitter(bool isIndividual = false)
    : ScalarSplitter(isIndividual ? SplitBehavior.Isolated : SplitBehavior.Contiguous)
{
    /// <summary>Whether every number is a piece by itself.</summary>
    public bool IsIndividual { get; } = isIndividual;

    private protected override bool Matches(Rune rune) => UnicodeTables.IsNumber(rune.Value);
}

/// <summary>BERT's words: split at white space, which goes, and at punctuation, which stays.</summary>
public sealed class BertSplitter : Splitter
{
    private static readonly WhitespaceSplitter Spaces = new();
    private static readonly PunctuationSplitter Punctuation = new();

    internal override bool CutsAtSpaces => true;

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer)
    {
        Spaces.Split(buffer);
        Punctuation.Split(buffer);
    }
}

/// <summary>Words and runs of what is neither word nor white space: \w+|[^\w\s]+, the rest goes.</summary>
public sealed class WordSplitter : Splitter
{
    private static readonly MatchParts Match = static (piece, parts) =>
    {
        for (int at = 0; at < piece.Length;)
        {
            int kind = KindAt(piece, at, out int width), end = at + width;
            while (end < piece.Length && KindAt(piece, end, out width) == kind)
                end += width;
            parts.Add((end, kind == 0));
            at = end;
        }
    };

    internal override bool CutsAtSpaces => true;

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer) => buffer.Cut(Match, SplitBehavior.Removed);

    private static int KindAt(ReadOnlySpan<char> text, int at, out int width)
    {
        Rune rune = Unicode.RuneAt(text, at);
        width = rune.Utf16SequenceLength;
        return Rune.IsWhiteSpace(rune) ? 0 : WordCharacters.IsWord(rune) ? 1 : 2;
    }
}

/// <summary>Pieces of so many Unicode scalars; the last one may have fewer.</summary>
public sealed class FixedLengthSplitter : Splitter
{
    private readonly ScanNext next;

    /// <summary>Pieces of <paramref name="length"/> scalars; at least 1.</summary>
    public FixedLengthSplitter(int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        Length = length;
        next = (text, start) =>
        {
            int at = start;
            for (int i = 0; i < Length && at < text.Length; i++)
                at += char.IsHighSurrogate(text[at]) ? 2 : 1;
            return at;
        };
    }

    /// <summary>The number of scalars of a piece.</summary>
    public int Length { get; }

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer) => buffer.Cut(next);
}
