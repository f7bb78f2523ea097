namespace Lemma.Text.Splitting;

/// <summary>When the mark of a space is put before a text.</summary>
public enum PrependScheme
{
    /// <summary>Before every piece.</summary>
    Always,

    /// <summary>Only at the start of the text.</summary>
    First,

    /// <summary>Never.</summary>
    Never,
}

/// <summary>Writes spaces as a visible mark, ▁ (U+2581), and splits before each: SentencePiece's words.</summary>
/// <param name="replacement">The mark.</param>
/// <param name="prepends">When the mark is put before a text that does not start with one.</param>
/// <param name="splits">Whether the text is split before each mark.</param>
public sealed class MetaspaceSplitter(char replacement = '\u2581', PrependScheme prepends = PrependScheme.Always, bool splits = true)
    : Splitter
{
    /// <summary>The mark.</summary>
    public char Replacement { get; } = replacement;

    /// <summary>When the mark is put before a text that does not start with one.</summary>
    public PrependScheme Prepends { get; } = prepends;

    /// <summary>Whether the text is split before each mark.</summary>
    public bool Splits { get; } = splits;

    internal override bool CutsAtSpaces => Splits;

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer)
    {
        AlignedText text = buffer.Aligned;
        ReadOnlySpan<char> mark = [Replacement];
        buffer.BeginRewrite();
        for (int i = 0; i < buffer.Count; i++)
        {
            ReadOnlySpan<char> piece = buffer[i];
            int start = buffer.StartOf(i), at = 0;
            bool first = buffer.StartsText && buffer.OriginOf(i) == 0;
            if (piece[0] != ' ' && piece[0] != Replacement && (Prepends == PrependScheme.Always || (Prepends == PrependScheme.First && first)))
                text.Prepend(mark, start);
            while (at < piece.Length)
            {
                int space = piece[at..].IndexOf(' '), end = space < 0 ? piece.Length : at + space;
                text.Keep(start + at, start + end);
                if (space >= 0)
                    text.Append(mark, start + end, start + end + 1);
                at = end + 1;
            }
            buffer.EndPiece(buffer.OriginOf(i));
        }
        buffer.EndRewrite();
        if (Splits)
            buffer.Cut(EndOfNext);
    }

    private int EndOfNext(ReadOnlySpan<char> text, int start)
    {
        int next = text[(start + 1)..].IndexOf(Replacement);
        return next < 0 ? text.Length : start + 1 + next;
    }
}
