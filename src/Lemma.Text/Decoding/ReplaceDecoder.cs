namespace Lemma.Text.Decoding;

/// <summary>Replaces every occurrence of a fixed text in a piece, from left to right.</summary>
public sealed class ReplaceDecoder : PieceDecoder
{
    /// <summary>Replaces <paramref name="pattern"/>, which must not be empty, by <paramref name="content"/>.</summary>
    public ReplaceDecoder(string pattern, string content)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        ArgumentNullException.ThrowIfNull(content);
        (Pattern, Content) = (pattern, content);
    }

    /// <summary>What is replaced, compared by code units.</summary>
    public string Pattern { get; }

    /// <summary>What stands in its place; may be empty.</summary>
    public string Content { get; }

    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => new Sink(this, next);

    private sealed class Sink(ReplaceDecoder decoder, PieceSink next) : WholePieceSink
    {
        protected override void WritePiece(ReadOnlySpan<char> piece)
        {
            string text = piece.ToString().Replace(decoder.Pattern, decoder.Content, StringComparison.Ordinal);
            next.Write(text, endsPiece: true);
        }

        public override void Finish() => next.Finish();
    }
}
