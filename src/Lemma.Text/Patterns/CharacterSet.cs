namespace Lemma.Text.Patterns;

/// <summary>A set of code points: sorted ranges, and a bit for each code point of the basic plane.</summary>
internal sealed class CharacterSet
{
    private const int Last = 0x10FFFF;
    private readonly (int First, int Last)[] ranges;
    private ulong[]? basic;

    /// <summary>No code point.</summary>
    public static readonly CharacterSet Empty = new([]);

    /// <summary>Every code point.</summary>
    public static readonly CharacterSet All = new([(0, Last)]);

    private CharacterSet((int First, int Last)[] ranges) => this.ranges = ranges;

    /// <summary>The ranges, which are apart from each other, in order.</summary>
    public ReadOnlySpan<(int First, int Last)> Ranges => ranges;

    /// <summary>Whether no code point is in it.</summary>
    public bool IsEmpty => ranges.Length == 0;

    /// <summary>The only code point of the set, or −1.</summary>
    public int Single => ranges.Length == 1 && ranges[0].First == ranges[0].Last ? ranges[0].First : -1;

    /// <summary>Whether a code point beyond ASCII is in it.</summary>
    public bool HasMoreThanAscii => ranges.Length > 0 && ranges[^1].Last >= 0x80;

    /// <summary>The set of one code point.</summary>
    public static CharacterSet Of(int scalar) => new([(scalar, scalar)]);

    /// <summary>The set of all code points of ranges, in any order.</summary>
    public static CharacterSet Of(IEnumerable<(int First, int Last)> ranges)
    {
        List<(int First, int Last)> joined = [];
        foreach ((int first, int last) in ranges.Order())
            if (joined.Count > 0 && first <= joined[^1].Last + 1)
                joined[^1] = (joined[^1].First, Math.Max(joined[^1].Last, last));
            else
                joined.Add((first, last));
        return new CharacterSet([.. joined]);
    }

    /// <summary>What is in this set or in the other.</summary>
    public CharacterSet Union(CharacterSet other) => other.IsEmpty ? this : IsEmpty ? other : Of(ranges.Concat(other.ranges));

    /// <summary>What is not in this set.</summary>
    public CharacterSet Complement()
    {
        List<(int, int)> rest = [];
        int at = 0;
        foreach ((int first, int last) in ranges)
        {
            if (first > at)
                rest.Add((at, first - 1));
            at = last + 1;
        }
        if (at <= Last)
            rest.Add((at, Last));
        return new CharacterSet([.. rest]);
    }

    /// <summary>What is in both sets.</summary>
    public CharacterSet Intersect(CharacterSet other)
    {
        List<(int, int)> both = [];
        for (int i = 0, j = 0; i < ranges.Length && j < other.ranges.Length;)
        {
            int first = Math.Max(ranges[i].First, other.ranges[j].First), last = Math.Min(ranges[i].Last, other.ranges[j].Last);
            if (first <= last)
                both.Add((first, last));
            if (ranges[i].Last < other.ranges[j].Last)
                i++;
            else
                j++;
        }
        return new CharacterSet([.. both]);
    }

    /// <summary>Whether a code point is in it.</summary>
    public bool Contains(int scalar) => scalar < 0x10000 ? (Basic[scalar >> 6] >> scalar & 1) != 0 : ContainsFar(scalar);

    /// <summary>A bit for each code point of the basic plane.</summary>
    public ulong[] Basic => basic ??= MakeBasic();

    /// <summary>Whether a code point beyond the basic plane is in it.</summary>
    public bool ContainsFar(int scalar)
    {
        int low = 0, high = ranges.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (scalar < ranges[middle].First)
                high = middle - 1;
            else if (scalar > ranges[middle].Last)
                low = middle + 1;
            else
                return true;
        }
        return false;
    }

    private ulong[] MakeBasic()
    {
        ulong[] bits = new ulong[0x10000 / 64];
        foreach ((int first, int last) in ranges)
            for (int c = first; c <= last && c < 0x10000; c++)
                bits[c >> 6] |= 1UL << c;
        return bits;
    }
}
