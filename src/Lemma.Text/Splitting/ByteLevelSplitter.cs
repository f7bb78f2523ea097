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

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer)
    {
        if (AddPrefixSpace)
            PutSpaces(buffer);
        if (SplitWords)
            buffer.Cut(Words);
        buffer.BeginRewrite();
        for (int i = 0; i < buffer.Count; i++)
        {
            ReadOnlySpan<char> piece = buffer[i];
            buffer.Append(ByteAlphabet.Spell(piece, buffer.Reserve(checked(3 * piece.Length))));
            buffer.EndPiece(buffer.OriginOf(i));
        }
        buffer.EndRewrite();
    }

    private static void PutSpaces(SplitBuffer buffer)
    {
        buffer.BeginRewrite();
        for (int i = 0; i < buffer.Count; i++)
        {
            ReadOnlySpan<char> piece = buffer[i];
            int space = piece[0] == ' ' ? 0 : 1;
            Span<char> room = buffer.Reserve(piece.Length + 1);
            room[0] = ' ';
            piece.CopyTo(room[space..]);
            buffer.Append(piece.Length + space);
            buffer.EndPiece(buffer.OriginOf(i));
        }
        buffer.EndRewrite();
    }
}
