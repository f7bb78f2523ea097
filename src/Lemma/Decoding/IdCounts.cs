namespace Lemma.Decoding;

/// <summary>Whole numbers of some ids, 0 of all others; asked, changed and forgotten without a pass over the vocabulary.</summary>
public sealed class IdCounts
{
    private readonly int[] counts, members;
    private int size;

    internal IdCounts(int vocabularySize) => (counts, members) = (new int[vocabularySize], new int[vocabularySize]);

    /// <summary>The ids with a number above 0, in the order in which they came.</summary>
    public ReadOnlySpan<int> Members => members.AsSpan(0, size);

    /// <summary>The number of an id.</summary>
    public int this[int id] => counts[id];

    /// <summary>Adds 1; an id beyond the vocabulary counts nowhere.</summary>
    public void Add(int id) => Raise(id, (uint)id < (uint)counts.Length ? counts[id] + 1 : 0);

    /// <summary>The larger of what it was and a number; an id beyond the vocabulary counts nowhere.</summary>
    public void Raise(int id, int number)
    {
        if ((uint)id >= (uint)counts.Length || number <= counts[id])
            return;
        if (counts[id] == 0)
            members[size++] = id;
        counts[id] = number;
    }

    internal void Clear()
    {
        foreach (int id in Members)
            counts[id] = 0;
        size = 0;
    }
}
