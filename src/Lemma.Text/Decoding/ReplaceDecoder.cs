using System.Text;
using Lemma.Text.Patterns;

namespace Lemma.Text.Decoding;

/// <summary>Replaces every occurrence of a fixed text or of a regular expression in a piece, from left to right.</summary>
public sealed class ReplaceDecoder : PieceDecoder
{
    private readonly Pattern? regex;

    /// <summary>Replaces <paramref name="pattern"/>, which must not be empty, by <paramref name="content"/>.</summary>
    /// <exception cref="ArgumentException">The pattern is empty or not a valid regular expression.</exception>
    public ReplaceDecoder(string pattern, string content, bool isRegex = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        ArgumentNullException.ThrowIfNull(content);
        (Pattern, Content, IsRegex) = (pattern, content, isRegex);
        if (isRegex)
            regex = new Pattern(pattern);
    }

    /// <summary>What is replaced; a fixed text is compared by code units.</summary>
    public string Pattern { get; }

    /// <summary>What stands in its place, as it is; may be empty.</summary>
    public string Content { get; }

    /// <summary>Whether the pattern is a regular expression.</summary>
    public bool IsRegex { get; }

    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => new Sink(this, next);

    private string Replace(string piece)
    {
        if (regex is null || piece.Length == 0)
            return piece.Replace(Pattern, Content, StringComparison.Ordinal);
        StringBuilder text = new();
        int at = 0;
        foreach ((int start, int end) in regex.FindAll(piece))
        {
            text.Append(piece, at, start - at).Append(Content);
            at = end;
        }
        return text.Append(piece, at, piece.Length - at).ToString();
    }

    private sealed class Sink(ReplaceDecoder decoder, PieceSink next) : WholePieceSink
    {
        protected override void WritePiece(ReadOnlySpan<char> piece) => next.Write(decoder.Replace(piece.ToString()), endsPiece: true);

        public override void Finish() => next.Finish();
    }
}
