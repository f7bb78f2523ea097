namespace Lemma.Text.Decoding;

/// <summary>The last stage of a tokenizer: the pieces of ids back to text, as a stream.</summary>
/// <remarks>Decoding a whole list and decoding one id at a time run the same code, so they cannot differ.</remarks>
public abstract class PieceDecoder
{
    /// <summary>A fresh stage that rewrites what it is given and hands it to <paramref name="next"/>.</summary>
    public abstract PieceSink Attach(PieceSink next);
}

/// <summary>Takes pieces, each in one part or in several; belongs to one stream and one thread.</summary>
public abstract class PieceSink
{
    /// <summary>Takes a part of a piece.</summary>
    /// <param name="part">May be empty.</param>
    /// <param name="endsPiece">Whether the piece ends with it.</param>
    public abstract void Write(ReadOnlySpan<char> part, bool endsPiece);

    /// <summary>Ends the stream: what was held back is written.</summary>
    public abstract void Finish();
}

/// <summary>Decoders one after another.</summary>
/// <param name="decoders">In the order in which they run.</param>
public sealed class SequenceDecoder(IReadOnlyList<PieceDecoder> decoders) : PieceDecoder
{
    /// <summary>The decoders in the order in which they run.</summary>
    public IReadOnlyList<PieceDecoder> Decoders { get; } = decoders;

    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next)
    {
        for (int i = Decoders.Count - 1; i >= 0; i--)
            next = Decoders[i].Attach(next);
        return next;
    }
}

/// <summary>Joins all pieces to one.</summary>
public sealed class FuseDecoder : PieceDecoder
{
    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => new Sink(next);

    private sealed class Sink(PieceSink next) : PieceSink
    {
        public override void Write(ReadOnlySpan<char> part, bool endsPiece) => next.Write(part, endsPiece: false);

        public override void Finish()
        {
            next.Write([], endsPiece: true);
            next.Finish();
        }
    }
}
