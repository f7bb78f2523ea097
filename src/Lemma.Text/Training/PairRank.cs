namespace Lemma.Text.Training;

/// <summary>A pair's place in the order of joining: the highest score first, of equals the highest count, then the smallest pair.</summary>
internal readonly record struct PairRank(double Score, long Count, ulong Pair) : IComparable<PairRank>
{
    /// <summary>Less than zero where this comes first.</summary>
    public int CompareTo(PairRank other) => Score != other.Score ? other.Score.CompareTo(Score)
        : Count != other.Count ? other.Count.CompareTo(Count) : Pair.CompareTo(other.Pair);
}
