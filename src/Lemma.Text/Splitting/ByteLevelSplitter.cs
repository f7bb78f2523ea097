namespace Lemma.Text.Splitting;

/// <summary>Splits into GPT-2's words and spells each in the alphabet of bytes.</summary>
/// <param name="addPrefixSpace">Whether a space is put before a text that does not start with one.</param>
/// <param name="splitWords">Whether the text is split into words; otherwise it is only spelled.</param>
public sealed class ByteLevelSplitter(bool addPrefixSpace = false, bool splitWords = true) : Splitter
{
    private static readonly ScanNext Words = Gpt2Scanner.EndOfNext;

    /// <summary>Whether a space is put before a text that does not start with one.</summary>
    public bool AddPrefixSpace { get; } = addPrefixSpace;

    /// <summary>Whether the text is split into words.</summary>
    public bool SplitWords { get; } = splitWords;

    internal override bool CutsAtSpaces => SplitWords;

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer)
    {
        if (AddPrefixSpace)
            PutSpaces(buffer);
        if (SplitWords)
            buffer.Cut(Words);
        AlignedText text = buffer.Aligned;
        buffer.BeginRewrite();
        for (int i = 0; i < buffer.Count; i++)
        {
            ReadOnlySpan<char> piece = buffer[i];
            int start = buffer.StartOf(i);
            // Where characters came from is kept character by character, otherwise a piece is spelled in one go.
            for (int at = 0, width; at < piece.Length; at += width)
            {
                width = !text.IsTracked ? piece.Length : char.IsHighSurrogate(piece[at]) ? 2 : 1;
                int spelled = ByteAlphabet.Spell(piece.Slice(at, width), text.Reserve(checked(3 * width)));
                text.Advance(spelled, start + at, start + at + width);
            }
            buffer.EndPiece(buffer.OriginOf(i));
        }
        buffer.EndRewrite();
    }

    private static void PutSpaces(SplitBuffer buffer)
    {
        buffer.BeginRewrite();
        for (int i = 0; i < buffer.Count; i++)
        {
            int start = buffer.StartOf(i);
            if (buffer[i][0] != ' ')
                buffer.Aligned.Prepend(" ", start);
            buffer.Aligned.Keep(start, start + buffer[i].Length);
            buffer.EndPiece(buffer.OriginOf(i));
        }
        buffer.EndRewrite();
    }
}
