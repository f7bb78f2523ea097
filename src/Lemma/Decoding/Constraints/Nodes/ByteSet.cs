namespace Lemma.Decoding.Constraints.Nodes;

/// <summary>A set of bytes.</summary>
internal readonly struct ByteSet
{
    private readonly ulong a, b, c, d;

    private ByteSet(ulong a, ulong b, ulong c, ulong d) => (this.a, this.b, this.c, this.d) = (a, b, c, d);

    /// <summary>Every byte.</summary>
    public static ByteSet All => Range(0, 255);

    /// <summary>Whether it has no byte.</summary>
    public bool IsEmpty => (a | b | c | d) == 0;

    /// <summary>The bytes from one to another.</summary>
    public static ByteSet Range(int first, int last)
    {
        Span<ulong> words = [0, 0, 0, 0];
        for (int i = first; i <= last; i++)
            words[i >> 6] |= 1UL << (i & 63);
        return new ByteSet(words[0], words[1], words[2], words[3]);
    }

    /// <summary>Whether a byte is in it.</summary>
    public bool Contains(int value) => ((value >> 6) switch { 0 => a, 1 => b, 2 => c, _ => d } >> (value & 63) & 1) != 0;

    /// <summary>What is in either.</summary>
    public ByteSet Union(ByteSet other) => new(a | other.a, b | other.b, c | other.c, d | other.d);

    /// <summary>Whether a byte is in both.</summary>
    public bool Meets(ByteSet other) => ((a & other.a) | (b & other.b) | (c & other.c) | (d & other.d)) != 0;

    /// <summary>What is not in it.</summary>
    public ByteSet Complement() => new(~a, ~b, ~c, ~d);

    /// <summary>Its runs of bytes, in order.</summary>
    public IEnumerable<(int First, int Last)> Ranges()
    {
        for (int i = 0; i < 256; i++)
        {
            if (!Contains(i))
                continue;
            int first = i;
            while (i < 255 && Contains(i + 1))
                i++;
            yield return (first, i);
        }
    }
}
