using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lemma.Text.Models;

/// <summary>Pairs of ids to the rank and the result of their merge: a hash table with open addressing, read-only once built.</summary>
internal sealed class MergeTable
{
    private const ulong Empty = 0;
    private readonly Entry[] entries;
    private readonly int shift;

    private struct Entry
    {
        public ulong Key;
        public int Rank, Merged;
    }

    /// <summary>The table of pairs and results; the index is the rank.</summary>
    /// <param name="merges">The merges, the first learned first.</param>
    /// <param name="pieces">One more than the largest id.</param>
    /// <param name="sharesRanks">Whether neighbouring merges that make the same piece have one rank.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public MergeTable(ReadOnlySpan<Merge> merges, int pieces, bool sharesRanks = false)
    {
        int capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2 * merges.Length));
        entries = new Entry[capacity];
        shift = 64 - BitOperations.Log2((uint)capacity);
        int[] rankOfPiece = new int[pieces];
        Array.Fill(rankOfPiece, -1);
        HasOneRankForEachPiece = true;
        for (int i = 0, rank = 0; i < merges.Length; i++)
        {
            (int left, int right, int merged) = merges[i];
            if (!sharesRanks || i == 0 || merges[i - 1].Merged != merged)
                rank = i;
            HasOneRankForEachPiece &= rankOfPiece[merged] < 0 || rankOfPiece[merged] == rank;
            rankOfPiece[merged] = rank;
            ulong key = Key(left, right);
            int slot = SlotOf(key);
            while (entries[slot].Key != Empty && entries[slot].Key != key)
                slot = (slot + 1) & (capacity - 1);
            entries[slot] = new Entry { Key = key, Rank = rank, Merged = merged };
        }
    }

    /// <summary>Whether all merges that make the same piece have the same rank.</summary>
    public bool HasOneRankForEachPiece { get; }

    /// <summary>Whether a pair merges, with its rank (lower comes first) and the id that it becomes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGet(int left, int right, out int rank, out int merged)
    {
        ulong key = Key(left, right);
        ref Entry first = ref MemoryMarshal.GetArrayDataReference(entries);
        for (int slot = SlotOf(key); ; slot = (slot + 1) & (entries.Length - 1))
        {
            ref Entry entry = ref Unsafe.Add(ref first, slot);
            if (entry.Key == key)
            {
                (rank, merged) = (entry.Rank, entry.Merged);
                return true;
            }
            if (entry.Key == Empty)
            {
                (rank, merged) = (int.MaxValue, -1);
                return false;
            }
        }
    }

    // One more than the pair, so that no pair is the empty key.
    private static ulong Key(int left, int right) => (((ulong)(uint)left << 32) | (uint)right) + 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int SlotOf(ulong key) => (int)((key * HashKeys.First) >> shift);
}
