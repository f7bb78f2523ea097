namespace Lemma.Text.Training;

/// <summary>A pair of neighbouring ids and the words where it was found when it was queued.</summary>
internal readonly record struct QueuedPair(long Count, ulong Pair, List<int> Words) : IComparable<QueuedPair>
{
    /// <summary>The pair as one number, which orders by the left id, then by the right.</summary>
    public static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    /// <summary>The left id.</summary>
    public int Left => (int)(Pair >> 32);

    /// <summary>The right id.</summary>
    public int Right => (int)(uint)Pair;

    /// <summary>The highest count comes first, of equals the smallest pair.</summary>
    public int CompareTo(QueuedPair other) => Count != other.Count ? other.Count.CompareTo(Count) : Pair.CompareTo(other.Pair);
}
