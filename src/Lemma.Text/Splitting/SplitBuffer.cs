namespace Lemma.Text.Splitting;

/// <summary>A text cut into pieces: a splitter reads the pieces and writes the finer ones.</summary>
/// <remarks>The text is well-formed UTF-16: lone surrogates became U+FFFD when it was filled. Not thread-safe.</remarks>
public sealed class SplitBuffer
{
    private Piece[] pieces = new Piece[64], nextPieces = new Piece[64];
    private readonly List<(int End, bool IsMatch)> parts = [];
    private int nextStart, nextCount;

    private readonly record struct Piece(int Start, int End, int Origin);

    /// <summary>The number of pieces.</summary>
    public int Count { get; private set; }

    /// <summary>Whether the normalized text begins with the text of this buffer, and not with an added token.</summary>
    public bool StartsText { get; set; } = true;

    /// <summary>The text of all pieces.</summary>
    public AlignedText Aligned { get; } = new();

    /// <summary>The text of a piece; never empty.</summary>
    public ReadOnlySpan<char> this[int piece] => Aligned.Text[pieces[piece].Start..pieces[piece].End];

    /// <summary>The index of a piece's first character in the text of all pieces.</summary>
    public int StartOf(int piece) => pieces[piece].Start;

    /// <summary>The index in the normalized text at which a piece began.</summary>
    public int OriginOf(int piece) => pieces[piece].Origin;

    /// <summary>Makes the text the only piece, or none where it is empty; lone surrogates become U+FFFD.</summary>
    public void Fill(ReadOnlySpan<char> source)
    {
        Aligned.Fill(source);
        Start();
    }

    /// <summary>Makes a part of a text the only piece, or none where it is empty.</summary>
    public void Fill(AlignedText source, int from, int to)
    {
        Aligned.Fill(source, from, to);
        Start();
    }

    /// <summary>Cuts every piece at the ends that a scanner finds; the text stays.</summary>
    /// <param name="endOfNext">From a piece and a start below its length to the end of the piece's next part.</param>
    public void Cut(ScanNext endOfNext)
    {
        nextCount = 0;
        for (int i = 0; i < Count; i++)
        {
            (int start, int end, int origin) = pieces[i];
            ReadOnlySpan<char> whole = Aligned.Text[start..end];
            for (int at = 0; at < whole.Length;)
            {
                int stop = endOfNext(whole, at);
                AddPiece(new Piece(start + at, start + stop, origin + at));
                at = stop;
            }
        }
        (pieces, nextPieces, Count) = (nextPieces, pieces, nextCount);
    }

    /// <summary>Cuts every piece into parts that match a pattern and parts between them; the text stays.</summary>
    /// <param name="match">Appends the ends of the parts of a piece, from left to right, and whether each matches.</param>
    /// <param name="behavior">What becomes of parts that match.</param>
    public void Cut(MatchParts match, SplitBehavior behavior)
    {
        nextCount = 0;
        for (int i = 0; i < Count; i++)
        {
            (int start, int end, int origin) = pieces[i];
            parts.Clear();
            match(Aligned.Text[start..end], parts);
            Place(start, origin - start, behavior);
        }
        (pieces, nextPieces, Count) = (nextPieces, pieces, nextCount);
    }

    /// <summary>Starts a rewrite of <see cref="Aligned"/>; <see cref="EndPiece"/> ends each of its pieces.</summary>
    public void BeginRewrite()
    {
        Aligned.BeginRewrite();
        (nextStart, nextCount) = (0, 0);
    }

    /// <summary>Ends a piece of the next text; an empty one is left out.</summary>
    public void EndPiece(int origin)
    {
        if (Aligned.NextLength > nextStart)
            AddPiece(new Piece(nextStart, Aligned.NextLength, origin));
        nextStart = Aligned.NextLength;
    }

    /// <summary>Puts the next text and its pieces in the place of the current ones.</summary>
    public void EndRewrite()
    {
        Aligned.EndRewrite();
        (pieces, nextPieces, Count) = (nextPieces, pieces, nextCount);
    }

    private void Start()
    {
        pieces[0] = new Piece(0, Aligned.Text.Length, 0);
        Count = Aligned.Text.Length == 0 ? 0 : 1;
    }

    private void Place(int start, int shift, SplitBehavior behavior)
    {
        int first = nextCount, at = start;
        bool before = false;
        if (behavior == SplitBehavior.MergedWithNext)
        {
            PlaceWithNext(start, shift);
            return;
        }
        foreach ((int end, bool isMatch) in parts)
        {
            int from = at;
            at = start + end;
            bool joins = nextCount > first && behavior switch
            {
                SplitBehavior.MergedWithPrevious => isMatch && !before,
                SplitBehavior.Contiguous => isMatch == before,
                _ => false,
            };
            before = isMatch;
            if (joins)
                nextPieces[nextCount - 1] = nextPieces[nextCount - 1] with { End = at };
            else if (at > from && !(isMatch && behavior == SplitBehavior.Removed))
                AddPiece(new Piece(from, at, from + shift));
        }
    }

    // A match joins what follows it, unless that is a match too.
    private void PlaceWithNext(int start, int shift)
    {
        int from = start;
        for (int i = 0; i < parts.Count; i++)
        {
            bool joins = parts[i].IsMatch && i + 1 < parts.Count && !parts[i + 1].IsMatch;
            if (joins || start + parts[i].End == from)
                continue;
            AddPiece(new Piece(from, start + parts[i].End, from + shift));
            from = start + parts[i].End;
        }
    }

    private void AddPiece(Piece piece)
    {
        if (nextCount == nextPieces.Length)
            Array.Resize(ref nextPieces, nextCount * 2);
        nextPieces[nextCount++] = piece;
    }
}

/// <summary>Where the part of a text that starts at <paramref name="start"/> ends: above start, at most the text's length.</summary>
public delegate int ScanNext(ReadOnlySpan<char> text, int start);

/// <summary>Appends the ends of the parts of a piece, from left to right, and whether each matches; the last end is the length.</summary>
public delegate void MatchParts(ReadOnlySpan<char> piece, List<(int End, bool IsMatch)> parts);

/// <summary>What becomes of the parts of a text that match a splitter's pattern.</summary>
public enum SplitBehavior
{
    /// <summary>They are left out.</summary>
    Removed,

    /// <summary>Each is a piece.</summary>
    Isolated,

    /// <summary>Each ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>Each begins the piece after it.</summary>
    MergedWithNext,

    /// <summary>Neighbouring ones are one piece.</summary>
    Contiguous,
}
