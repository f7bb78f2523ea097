namespace Lemma.Text.Normalization;

/// <summary>SentencePiece's normalizer: its character map, one space where there are several, a space in front or behind, ▁ for spaces.</summary>
public sealed class SentencePieceNormalizer : Normalizer
{
    private readonly PrecompiledNormalizer? precompiled;

    /// <summary>A normalizer as a model file describes it.</summary>
    /// <param name="map">The compiled map; empty for none.</param>
    /// <param name="addsSpace">Whether a space is put before a text that is not empty.</param>
    /// <param name="removesSpaces">Whether spaces at the ends go, and several become one.</param>
    /// <param name="marksSpaces">Whether spaces become ▁ (U+2581).</param>
    /// <param name="endsWords">Whether the space is put behind the text, and not before.</param>
    public SentencePieceNormalizer(byte[] map, bool addsSpace, bool removesSpaces, bool marksSpaces, bool endsWords = false)
    {
        (AddsSpace, RemovesSpaces, MarksSpaces, EndsWords) = (addsSpace, removesSpaces, marksSpaces, endsWords);
        precompiled = map.Length == 0 ? null : new PrecompiledNormalizer(map, takesLongest: true);
    }

    /// <summary>The compiled map; null for none.</summary>
    public PrecompiledNormalizer? Map => precompiled;

    /// <summary>Whether a space is put before a text that is not empty.</summary>
    public bool AddsSpace { get; }

    /// <summary>Whether spaces at the ends go, and several become one.</summary>
    public bool RemovesSpaces { get; }

    /// <summary>Whether spaces become ▁ (U+2581).</summary>
    public bool MarksSpaces { get; }

    /// <summary>Whether the space is put behind the text, and not before.</summary>
    public bool EndsWords { get; }

    // A piece with a space is never found where all spaces are marks.
    internal override string NormalizeToken(string token) => MarksSpaces && token.Contains(' ') ? "" : token;

    /// <inheritdoc/>
    public override void Apply(AlignedText text)
    {
        precompiled?.Apply(text);
        ReadOnlySpan<char> source = text.Text, space = MarksSpaces ? "\u2581" : " ";
        int at = RemovesSpaces ? source.Length - source.TrimStart(' ').Length : 0;
        int end = RemovesSpaces ? Math.Max(at, source.TrimEnd(' ').Length) : source.Length;
        text.BeginRewrite();
        bool addsSpace = AddsSpace && end > at;
        if (addsSpace && !EndsWords)
            text.Prepend(space, at);
        while (at < end)
        {
            int found = source[at..end].IndexOf(' '), stop = found < 0 ? end : at + found;
            text.Keep(at, stop);
            at = stop;
            if (at == end)
                break;
            do
                at++;
            while (RemovesSpaces && at < end && source[at] == ' ');
            text.Append(space, stop, at);
        }
        if (addsSpace && EndsWords)
            text.Append(space, end, end);
        text.EndRewrite();
    }
}
