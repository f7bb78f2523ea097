using System.Buffers;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>Exact byte-pair encoding in linear time: the longest piece at each place, taken back where merging would not give it.</summary>
/// <remarks>A row of pieces is the result of merging if and only if each two neighbours alone merge to themselves. So the row is built
/// from left to right; a piece that does not go with the one before is replaced by its longest shorter beginning, and a place from
/// which nothing goes on is never visited again. Needs that merges which make the same piece have ranks next to each other.</remarks>
internal sealed class Backtracking
{
    private readonly MergeTable merges;
    private readonly BytePieces pieces;
    private readonly ByteTrie trie;
    private readonly PieceSplits splits;
    private readonly int[] shorter;

    private Backtracking(MergeTable merges, BytePieces pieces)
    {
        (this.merges, this.pieces) = (merges, pieces);
        (splits, shorter, trie) = (new PieceSplits(merges, pieces.Count), new int[pieces.Count], new ByteTrie());
    }

    /// <summary>The encoder, or null when the merges of one piece are not neighbours in rank.</summary>
    public static Backtracking? TryMake(MergeTable merges, BytePieces pieces, int[] idOfByte)
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
            if ((dead[end >> 6] >> end & 1) == 0 && (last < 0 || splits.AreNeighbours(last, next)))
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

    private void Add(int id, int[] idOfByte)
    {
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
            splits.Set(id, rank, ids[0], ids[1]);
        }
        else if (ids[0] != id)
            return;
        trie.Add(spelling, id);
    }
}
