using System.Buffers;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>Exact byte-pair encoding in linear time: the longest piece at each place, taken back where merging would not give it.</summary>
/// <remarks>A row of pieces is the result of merging if and only if each two neighbours alone merge to themselves. So the row is built
/// from left to right; a piece that does not go with the one before is replaced by its longest shorter beginning, and a place from
/// which nothing goes on is never visited again. Needs that merges which make the same piece have ranks next to each other.</remarks>
internal sealed class Backtracking
{
    private readonly MergeTable merges;
    private readonly PieceBytes pieces;
    private readonly ByteTrie trie;
    private readonly int[] ranks, lefts, rights, shorter;

    private Backtracking(MergeTable merges, PieceBytes pieces)
    {
        (this.merges, this.pieces) = (merges, pieces);
        (ranks, lefts, rights, shorter) =
            (new int[pieces.Count], new int[pieces.Count], new int[pieces.Count], new int[pieces.Count]);
        trie = new ByteTrie();
    }

    /// <summary>The encoder, or null when the merges of one piece are not neighbours in rank.</summary>
    public static Backtracking? TryMake(MergeTable merges, PieceBytes pieces, int[] idOfByte)
    {
        if (!merges.HasOneRankForEachPiece)
            return null;
        Backtracking made = new(merges, pieces);
        for (int id = 0; id < pieces.Count; id++)
            made.Add(id, idOfByte);
        for (int id = 0; id < pieces.Count; id++)
            made.shorter[id] = made.trie.LongestBelow(pieces[id], pieces.LengthOf(id));
        return made;
    }

    /// <summary>Appends the ids of a word that is not empty.</summary>
    public void Encode(ReadOnlySpan<byte> word, ByteLevelState state)
    {
        state.Reserve(word.Length);
        Span<int> ids = state.Ids.AsSpan(state.Count);
        ulong[] dead = ArrayPool<ulong>.Shared.Rent((word.Length >> 6) + 1);
        Array.Clear(dead, 0, (word.Length >> 6) + 1);
        int count = 0, at = 0, next = trie.Longest(word);
        while (next >= 0)
        {
            int last = count > 0 ? ids[count - 1] : -1, end = at + pieces.LengthOf(next);
            if ((dead[end >> 6] >> end & 1) == 0 && (last < 0 || AreNeighbours(last, next)))
            {
                ids[count++] = next;
                at = end;
                next = trie.Longest(word[at..]);
            }
            else if (shorter[next] >= 0)
                next = shorter[next];
            else
            {
                dead[at >> 6] |= 1UL << at;
                count--;
                at -= pieces.LengthOf(last);
                next = last;
            }
        }
        ArrayPool<ulong>.Shared.Return(dead);
        state.Count += count;
    }

    /// <summary>Whether the bytes of two pieces merge to these two pieces.</summary>
    /// <remarks>Undoes the merges of both from the last to the first and asks whether a merge across the border would have come
    /// earlier; of equal ranks the left one comes first.</remarks>
    private bool AreNeighbours(int left, int right)
    {
        int limit = int.MaxValue;
        while (true)
        {
            if (merges.TryGet(left, right, out int rank, out _) && rank < limit)
                return false;
            int leftRank = ranks[left], rightRank = ranks[right];
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
        }
    }

    private void Add(int id, int[] idOfByte)
    {
        (ranks[id], lefts[id], rights[id]) = (-1, -1, -1);
        ReadOnlySpan<byte> spelling = pieces[id];
        if (spelling.IsEmpty)
            return;
        int[] ids = new int[spelling.Length];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = idOfByte[spelling[i]];
        if (ids.Length > 1)
        {
            // A piece that merging does not make is never part of a result.
            if (Merger.Merge(merges, ids, fewest: 2) > 2 || !merges.TryGet(ids[0], ids[1], out int rank, out int merged) || merged != id)
                return;
            (ranks[id], lefts[id], rights[id]) = (rank, ids[0], ids[1]);
        }
        else if (ids[0] != id)
            return;
        trie.Add(spelling, id);
    }
}
