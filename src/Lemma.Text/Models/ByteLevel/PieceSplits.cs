using System.Runtime.CompilerServices;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>For pieces that merging makes, the two that it joins last; which pieces stand beside each other follows from that.</summary>
internal sealed class PieceSplits
{
    private readonly MergeTable merges;
    private readonly int[] ranks, lefts, rights;

    /// <summary>A table without splits.</summary>
    public PieceSplits(MergeTable merges, int pieces)
    {
        this.merges = merges;
        (ranks, lefts, rights) = (new int[pieces], new int[pieces], new int[pieces]);
        Array.Fill(ranks, -1);
    }

    /// <summary>The pieces that merging their own bytes surely makes: single bytes, and what a merge makes of two such pieces, learned
    /// before it, where no merge across their border comes first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool[] Made(MergeList list, MergeTable merges, int pieces, int[] idOfByte)
    {
        PieceSplits splits = new(merges, pieces);
        bool[] isMade = new bool[pieces];
        foreach (int id in idOfByte)
            isMade[id] = true;
        foreach (Merge merge in list.Ids)
            if (!isMade[merge.Merged] && isMade[merge.Left] && isMade[merge.Right] && splits.IsUndisturbed(merge.Left, merge.Right)
                && merges.TryGet(merge.Left, merge.Right, out int rank, out int merged) && merged == merge.Merged)
            {
                isMade[merge.Merged] = true;
                splits.Set(merge.Merged, rank, merge.Left, merge.Right);
            }
        return isMade;
    }

    /// <summary>Keeps which two pieces a merge joins last.</summary>
    public void Set(int id, int rank, int left, int right) => (ranks[id], lefts[id], rights[id]) = (rank, left, right);

    /// <summary>Whether the bytes of two pieces merge to these two pieces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool AreNeighbours(int left, int right) => !merges.TryGet(left, right, out _, out _) && IsUndisturbed(left, right);

    /// <summary>Whether merging the bytes of two pieces comes to these two pieces.</summary>
    /// <remarks>Undoes the merges of both from the last to the first and asks whether a merge across the border would have come
    /// earlier; of equal ranks the left one comes first.</remarks>
    private bool IsUndisturbed(int left, int right)
    {
        while (true)
        {
            int leftRank = ranks[left], rightRank = ranks[right], limit;
            if (leftRank < 0 && rightRank < 0)
                return true;
            if (leftRank > rightRank)
            {
                limit = leftRank;
                left = rights[left];
            }
            else
            {
                limit = rightRank + 1;
                right = lefts[right];
            }
            if (merges.TryGet(left, right, out int rank, out _) && rank < limit)
                return false;
        }
    }
}
