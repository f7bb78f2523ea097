namespace Lemma.Text.Splitting;

/// <summary>A text cut into pieces, in two reusable buffers: a splitter reads the pieces and writes the finer ones.</summary>
/// <remarks>The text is well-formed UTF-16: lone surrogates became U+FFFD when it was filled. Not thread-safe.</remarks>
public sealed class SplitBuffer
{
    private char[] text = new char[256], nextText = new char[256];
    private Piece[] pieces = new Piece[64], nextPieces = new Piece[64];
    private int nextLength, nextStart, nextCount;

    private readonly record struct Piece(int Start, int End, int Origin);

    /// <summary>The number of pieces.</summary>
    public int Count { get; private set; }

    /// <summary>The text of a piece; never empty.</summary>
    public ReadOnlySpan<char> this[int piece] => text.AsSpan(pieces[piece].Start, pieces[piece].End - pieces[piece].Start);

    /// <summary>The index in the normalized text at which a piece began.</summary>
    public int OriginOf(int piece) => pieces[piece].Origin;

    /// <summary>Makes the text the only piece, or none where it is empty; lone surrogates become U+FFFD.</summary>
    public void Fill(ReadOnlySpan<char> source)
    {
        if (text.Length < source.Length)
            text = new char[Grown(text.Length, source.Length)];
        Unicode.CopyWellFormed(source, text);
        pieces[0] = new Piece(0, source.Length, 0);
        Count = source.Length == 0 ? 0 : 1;
    }

    /// <summary>Cuts every piece at the ends that a scanner finds; the text stays.</summary>
    /// <param name="endOfNext">From a piece and a start below its length to the end of the piece's next part.</param>
    public void Cut(ScanNext endOfNext)
    {
        nextCount = 0;
        for (int i = 0; i < Count; i++)
        {
            (int start, int end, int origin) = pieces[i];
            ReadOnlySpan<char> whole = text.AsSpan(start, end - start);
            for (int at = 0; at < whole.Length;)
            {
                int stop = endOfNext(whole, at);
                AddPiece(new Piece(start + at, start + stop, origin + at));
                at = stop;
            }
        }
        (pieces, nextPieces, Count) = (nextPieces, pieces, nextCount);
    }

    /// <summary>Starts a rewrite: <see cref="Append"/> and <see cref="EndPiece"/> build the next text; the pieces stay readable.</summary>
    public void BeginRewrite() => (nextLength, nextStart, nextCount) = (0, 0, 0);

    /// <summary>Room for so many characters at the end of the next text; <see cref="Append"/> says how many were used.</summary>
    public Span<char> Reserve(int characters)
    {
        if (nextText.Length - nextLength < characters)
            Array.Resize(ref nextText, Grown(nextText.Length, nextLength + characters));
        return nextText.AsSpan(nextLength);
    }

    /// <summary>Takes the first characters of the reserved room into the next text.</summary>
    public void Append(int characters) => nextLength += characters;

    /// <summary>Ends a piece of the next text; an empty one is left out.</summary>
    public void EndPiece(int origin)
    {
        if (nextLength > nextStart)
            AddPiece(new Piece(nextStart, nextLength, origin));
        nextStart = nextLength;
    }

    /// <summary>Puts the next text and its pieces in the place of the current ones.</summary>
    public void EndRewrite()
    {
        (text, nextText) = (nextText, text);
        (pieces, nextPieces, Count) = (nextPieces, pieces, nextCount);
    }

    private void AddPiece(Piece piece)
    {
        if (nextCount == nextPieces.Length)
            Array.Resize(ref nextPieces, nextCount * 2);
        nextPieces[nextCount++] = piece;
    }

    private static int Grown(int length, int needed) => (int)Math.Min(Array.MaxLength, Math.Max(needed, 2L * length));
}

/// <summary>Where the part of a text that starts at <paramref name="start"/> ends: above start, at most the text's length.</summary>
public delegate int ScanNext(ReadOnlySpan<char> text, int start);
