namespace Lemma.Text;

/// <summary>A text that is rewritten stage by stage in two reusable buffers, and where each of its characters came from.</summary>
/// <remarks>Well-formed UTF-16: lone surrogates became U+FFFD when it was filled. Where from is only kept when asked for. Not
/// thread-safe.</remarks>
public sealed class AlignedText
{
    private char[] text = new char[256], next = new char[256];
    private int[] starts = [], ends = [], nextStarts = [], nextEnds = [];
    private int length;

    /// <summary>The current text.</summary>
    public ReadOnlySpan<char> Text => text.AsSpan(0, length);

    /// <summary>Whether it keeps where characters came from.</summary>
    public bool IsTracked { get; private set; }

    /// <summary>The length of the next text so far.</summary>
    public int NextLength { get; private set; }

    /// <summary>Takes a text as it is given; lone surrogates become U+FFFD.</summary>
    /// <param name="source">The text.</param>
    /// <param name="tracks">Whether to keep where characters come from.</param>
    /// <param name="origin">The index of the source's first character in the original text.</param>
    public void Fill(ReadOnlySpan<char> source, bool tracks = false, int origin = 0)
    {
        Grow(ref text, source.Length);
        Unicode.CopyWellFormed(source, text);
        (length, IsTracked) = (source.Length, tracks);
        if (!tracks)
            return;
        Grow(ref starts, length);
        Grow(ref ends, length);
        for (int i = 0; i < length; i++)
            (starts[i], ends[i]) = (origin + i, origin + i + 1);
        for (int i = 0; i + 1 < length; i++)
            if (char.IsHighSurrogate(text[i]))
                (ends[i], starts[i + 1]) = (ends[i + 1], starts[i]);
    }

    /// <summary>Takes a part of another text with where it came from.</summary>
    public void Fill(AlignedText source, int from, int to)
    {
        (length, IsTracked) = (to - from, source.IsTracked);
        Grow(ref text, length);
        source.Text[from..to].CopyTo(text);
        if (!IsTracked)
            return;
        Grow(ref starts, length);
        Grow(ref ends, length);
        source.starts.AsSpan(from, length).CopyTo(starts);
        source.ends.AsSpan(from, length).CopyTo(ends);
    }

    /// <summary>The range of the original text that characters came from; needs <see cref="IsTracked"/>.</summary>
    public (int Start, int End) OriginOf(int from, int to)
    {
        if (length == 0)
            return (0, 0);
        if (from >= to)
            return from < length ? (starts[from], starts[from]) : (ends[length - 1], ends[length - 1]);
        return (starts[from], Math.Max(starts[from], ends[to - 1]));
    }

    /// <summary>Starts the next text, which <see cref="Append"/> builds while the current one stays readable.</summary>
    public void BeginRewrite() => NextLength = 0;

    /// <summary>Appends characters to the next text that stand for a range of the current one; an empty range is an insertion.</summary>
    public void Append(ReadOnlySpan<char> characters, int from, int to)
    {
        characters.CopyTo(Reserve(characters.Length));
        Advance(characters.Length, from, to);
    }

    /// <summary>Appends characters that are put before a place: they stand for the character there, as the peers have it.</summary>
    public void Prepend(ReadOnlySpan<char> characters, int at) =>
        Append(characters, at, at < length ? at + (char.IsHighSurrogate(text[at]) ? 2 : 1) : at);

    /// <summary>Appends a range of the current text as it is.</summary>
    public void Keep(int from, int to)
    {
        int count = to - from;
        text.AsSpan(from, count).CopyTo(Reserve(count));
        if (IsTracked)
        {
            Grow(ref nextStarts, NextLength + count);
            Grow(ref nextEnds, NextLength + count);
            starts.AsSpan(from, count).CopyTo(nextStarts.AsSpan(NextLength));
            ends.AsSpan(from, count).CopyTo(nextEnds.AsSpan(NextLength));
        }
        NextLength += count;
    }

    /// <summary>Room for so many characters at the end of the next text; <see cref="Advance"/> says how many were used.</summary>
    public Span<char> Reserve(int characters)
    {
        Grow(ref next, checked(NextLength + characters));
        return next.AsSpan(NextLength);
    }

    /// <summary>Takes the first characters of the reserved room into the next text.</summary>
    public void Advance(int characters, int from, int to)
    {
        if (IsTracked)
        {
            Grow(ref nextStarts, NextLength + characters);
            Grow(ref nextEnds, NextLength + characters);
            (int start, int end) = OriginOf(from, to);
            nextStarts.AsSpan(NextLength, characters).Fill(start);
            nextEnds.AsSpan(NextLength, characters).Fill(end);
        }
        NextLength += characters;
    }

    /// <summary>Puts the next text in the place of the current one.</summary>
    public void EndRewrite()
    {
        (text, next, length) = (next, text, NextLength);
        (starts, nextStarts, ends, nextEnds) = (nextStarts, starts, nextEnds, ends);
    }

    private static void Grow<T>(ref T[] array, int needed)
    {
        if (array.Length < needed)
            Array.Resize(ref array, (int)Math.Min(Array.MaxLength, Math.Max(needed, 2L * array.Length)));
    }
}
