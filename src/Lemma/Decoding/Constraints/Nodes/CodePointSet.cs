namespace Lemma.Decoding.Constraints.Nodes;

/// <summary>A set of code points: ranges in order, apart from each other.</summary>
internal sealed class CodePointSet
{
    private const int Last = 0x10FFFF;

    private CodePointSet((int First, int Last)[] ranges) => Ranges = ranges;

    /// <summary>Every code point.</summary>
    public static CodePointSet All { get; } = new([(0, Last)]);

    /// <summary>The ranges.</summary>
    public (int First, int Last)[] Ranges { get; }

    /// <summary>Whether no code point is in it.</summary>
    public bool IsEmpty => Ranges.Length == 0;

    /// <summary>The set of one code point.</summary>
    public static CodePointSet Of(int scalar) => new([(scalar, scalar)]);

    /// <summary>The set of ranges in any order.</summary>
    public static CodePointSet Of(IEnumerable<(int First, int Last)> ranges)
    {
        List<(int First, int Last)> joined = [];
        foreach ((int first, int last) in ranges.Order())
            if (joined.Count > 0 && first <= joined[^1].Last + 1)
                joined[^1] = (joined[^1].First, Math.Max(joined[^1].Last, last));
            else
                joined.Add((first, last));
        return new CodePointSet([.. joined]);
    }

    /// <summary>What is in either.</summary>
    public CodePointSet Union(CodePointSet other) => Of(Ranges.Concat(other.Ranges));

    /// <summary>What is in both.</summary>
    public CodePointSet Intersect(CodePointSet other)
    {
        List<(int, int)> both = [];
        for (int i = 0, j = 0; i < Ranges.Length && j < other.Ranges.Length;)
        {
            int first = Math.Max(Ranges[i].First, other.Ranges[j].First), last = Math.Min(Ranges[i].Last, other.Ranges[j].Last);
            if (first <= last)
                both.Add((first, last));
            if (Ranges[i].Last < other.Ranges[j].Last)
                i++;
            else
                j++;
        }
        return new CodePointSet([.. both]);
    }

    /// <summary>What is not in it.</summary>
    public CodePointSet Complement()
    {
        List<(int, int)> others = [];
        int at = 0;
        foreach ((int first, int last) in Ranges)
        {
            if (first > at)
                others.Add((at, first - 1));
            at = last + 1;
        }
        if (at <= Last)
            others.Add((at, Last));
        return new CodePointSet([.. others]);
    }

    /// <summary>Whether a code point is in it.</summary>
    public bool Contains(int scalar) => Array.Exists(Ranges, range => range.First <= scalar && scalar <= range.Last);
}
