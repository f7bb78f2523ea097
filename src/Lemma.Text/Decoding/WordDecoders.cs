namespace Lemma.Text.Decoding;

/// <summary>Joins WordPiece's pieces: those with the prefix go on with the word, others begin one after a space.</summary>
/// <param name="prefix">What pieces inside of words start with.</param>
/// <param name="cleansUp">Whether spaces before punctuation and English contractions go.</param>
public sealed class WordPieceDecoder(string prefix = "##", bool cleansUp = true) : PieceDecoder
{
    /// <summary>What pieces inside of words start with.</summary>
    public string Prefix { get; } = prefix;

    /// <summary>Whether spaces before punctuation and English contractions go.</summary>
    public bool CleansUp { get; } = cleansUp;

    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => new Sink(this, next);

    /// <summary>Takes spaces away before punctuation and English contractions.</summary>
    internal static string CleanUp(string text) => text.Replace(" .", ".", StringComparison.Ordinal)
        .Replace(" ?", "?", StringComparison.Ordinal).Replace(" !", "!", StringComparison.Ordinal)
        .Replace(" ,", ",", StringComparison.Ordinal).Replace(" ' ", "'", StringComparison.Ordinal)
        .Replace(" n't", "n't", StringComparison.Ordinal).Replace(" 'm", "'m", StringComparison.Ordinal)
        .Replace(" do not", " don't", StringComparison.Ordinal).Replace(" 's", "'s", StringComparison.Ordinal)
        .Replace(" 've", "'ve", StringComparison.Ordinal).Replace(" 're", "'re", StringComparison.Ordinal);

    private sealed class Sink(WordPieceDecoder decoder, PieceSink next) : WholePieceSink
    {
        private bool started;

        protected override void WritePiece(ReadOnlySpan<char> piece)
        {
            string text = piece.ToString();
            if (started)
                text = text.StartsWith(decoder.Prefix, StringComparison.Ordinal) ? text[decoder.Prefix.Length..] : " " + text;
            started = true;
            next.Write(decoder.CleansUp ? CleanUp(text) : text, endsPiece: true);
        }

        public override void Finish() => next.Finish();
    }
}

/// <summary>Turns the visible mark of a space back into spaces; those of the first piece go where a mark was put in front.</summary>
/// <param name="replacement">The mark.</param>
/// <param name="dropsFirst">Whether the marks of the first piece go.</param>
public sealed class MetaspaceDecoder(char replacement = '\u2581', bool dropsFirst = true) : PieceDecoder
{
    /// <summary>The mark.</summary>
    public char Replacement { get; } = replacement;

    /// <summary>Whether the marks of the first piece go.</summary>
    public bool DropsFirst { get; } = dropsFirst;

    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => new Sink(this, next);

    private sealed class Sink(MetaspaceDecoder decoder, PieceSink next) : WholePieceSink
    {
        private bool started;

        protected override void WritePiece(ReadOnlySpan<char> piece)
        {
            string mark = decoder.Replacement.ToString();
            string space = !started && decoder.DropsFirst ? "" : " ";
            started = true;
            next.Write(piece.ToString().Replace(mark, space, StringComparison.Ordinal), endsPiece: true);
        }

        public override void Finish() => next.Finish();
    }
}

/// <summary>Turns the suffix of pieces that end a word into a space; in the last piece it goes.</summary>
/// <param name="suffix">The suffix; not empty.</param>
public sealed class SuffixDecoder(string suffix = "</w>") : PieceDecoder
{
    /// <summary>The suffix.</summary>
    public string Suffix { get; } = suffix;

    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => new Sink(this, next);

    private sealed class Sink(SuffixDecoder decoder, PieceSink next) : WholePieceSink
    {
        private string? held;

        protected override void WritePiece(ReadOnlySpan<char> piece)
        {
            if (held is not null)
                next.Write(held.Replace(decoder.Suffix, " ", StringComparison.Ordinal), endsPiece: true);
            held = piece.ToString();
        }

        public override void Finish()
        {
            if (held is not null)
                next.Write(held.Replace(decoder.Suffix, "", StringComparison.Ordinal), endsPiece: true);
            held = null;
            next.Finish();
        }
    }
}

/// <summary>Reads the output of connectionist temporal classification: repeated pieces count once, the blank goes.</summary>
/// <param name="blank">The piece of silence; not empty.</param>
/// <param name="delimiter">The piece between words; not empty.</param>
/// <param name="cleansUp">Whether the delimiter becomes a space, and spaces before punctuation go.</param>
public sealed class CtcDecoder(string blank = "<pad>", string delimiter = "|", bool cleansUp = true) : PieceDecoder
{
    /// <summary>The piece of silence.</summary>
    public string Blank { get; } = blank;

    /// <summary>The piece between words.</summary>
    public string Delimiter { get; } = delimiter;

    /// <summary>Whether the delimiter becomes a space, and spaces before punctuation go.</summary>
    public bool CleansUp { get; } = cleansUp;

    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => new Sink(this, next);

    private sealed class Sink(CtcDecoder decoder, PieceSink next) : WholePieceSink
    {
        private string? last;

        protected override void WritePiece(ReadOnlySpan<char> piece)
        {
            string text = piece.ToString();
            if (text == last)
                return;
            last = text;
            text = text.Replace(decoder.Blank, "", StringComparison.Ordinal);
            if (decoder.CleansUp)
                text = WordPieceDecoder.CleanUp(text).Replace(decoder.Delimiter, " ", StringComparison.Ordinal);
            if (text.Length > 0)
                next.Write(text, endsPiece: true);
        }

        public override void Finish() => next.Finish();
    }
}
