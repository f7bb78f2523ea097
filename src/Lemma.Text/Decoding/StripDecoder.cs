namespace Lemma.Text.Decoding;

/// <summary>Takes away up to so many equal characters at the start and at the end of every piece.</summary>
public sealed class StripDecoder : PieceDecoder
{
    /// <summary>Takes away up to <paramref name="start"/> and <paramref name="stop"/> of a character; both at least 0.</summary>
    public StripDecoder(char content, int start, int stop)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(stop);
        (Content, Start, Stop) = (content, start, stop);
    }

    /// <summary>The character that is taken away.</summary>
    public char Content { get; }

    /// <summary>The most that are taken away at the start of a piece.</summary>
    public int Start { get; }

    /// <summary>The most that are taken away at the end of a piece.</summary>
    public int Stop { get; }

    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => Stop == 0 ? new StartSink(this, next) : new WholeSink(this, next);

    /// <summary>The end needs no look ahead, so text flows through.</summary>
    private sealed class StartSink(StripDecoder decoder, PieceSink next) : PieceSink
    {
        private int left = decoder.Start;

        public override void Write(ReadOnlySpan<char> part, bool endsPiece)
        {
            while (left > 0 && !part.IsEmpty)
            {
                if (part[0] != decoder.Content)
                {
                    left = 0;
                    break;
                }
                part = part[1..];
                left--;
            }
            next.Write(part, endsPiece);
            if (endsPiece)
                left = decoder.Start;
        }

        public override void Finish() => next.Finish();
    }

    private sealed class WholeSink(StripDecoder decoder, PieceSink next) : WholePieceSink
    {
        protected override void WritePiece(ReadOnlySpan<char> piece)
        {
            int start = 0, end = piece.Length;
            while (start < decoder.Start && start < end && piece[start] == decoder.Content)
                start++;
            for (int i = 0; i < decoder.Stop && end > start && piece[end - 1] == decoder.Content; i++)
                end--;
            next.Write(piece[start..end], endsPiece: true);
        }

        public override void Finish() => next.Finish();
    }
}
