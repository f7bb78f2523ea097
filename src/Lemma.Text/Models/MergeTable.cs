using System.Numerics;

namespace Lemma.Text.Models;

/// <summary>Pairs of ids to the rank and the result of their merge: a hash table with open addressing, read-only once built.</summary>
internal sealed class MergeTable
{
    private const ulong Empty = ulong.MaxValue;
    private readonly ulong[] keys;
    private readonly (int Rank, int Merged)[] values;
    private readonly int shift;

    /// <summary>The table of pairs and results; the index is the rank.</summary>
    public MergeTable(ReadOnlySpan<(int Left, int Right, int Merged)> merges)
    {
        int capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2 * merges.Length));
        keys = new ulong[capacity];
        values = new (int, int)[capacity];
        shift = 64 - BitOperations.Log2((uint)capacity);
        Array.Fill(keys, Empty);
        for (int rank = 0; rank < merges.Length; rank++)
        {
            (int left, int right, int merged) = merges[rank];
            ulong key = Key(left, right);
            int slot = SlotOf(key);
            while (keys[slot] != Empty && keys[slot] != key)
                slot = (slot + 1) & (capacity - 1);
            (keys[slot], values[slot]) = (key, (rank, merged));
        }
    }

    /// <summary>Whether a pair merges, with its rank (lower comes first) and the id that it becomes.</summary>
    public bool TryGet(int left, int right, out int rank, out int merged)
    {
        ulong key = Key(left, right);
        for (int slot = SlotOf(key); ; slot = (slot + 1) & (keys.Length - 1))
        {
            if (keys[slot] == key)
            {
                (rank, merged) = values[slot];
                return true;
            }
            if (keys[slot] == Empty)
            {
                (rank, merged) = (int.MaxValue, -1);
                return false;
            }
        }
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private int SlotOf(ulong key) => (int)((key * 0x9E3779B97F4A7C15UL) >> shift);
}
