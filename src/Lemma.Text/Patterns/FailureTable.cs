using System.Numerics;

namespace Lemma.Text.Patterns;

/// <summary>What became of a step at a place: that it leads to no match, or where its group ended. A hash table that only grows.</summary>
internal sealed class FailureTable
{
    /// <summary>The result of a step that leads to no match.</summary>
    public const int Failed = -1;
    private long[] keys = [];
    private int[] results = [];
    private int count;

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        if (count > 0)
            (keys, results, count) = ([], [], 0);
    }

    /// <summary>Finds the result of a key, which is not negative.</summary>
    public bool TryGet(long key, out int result)
    {
        int slot = count == 0 ? -1 : SlotOf(key);
        bool isKnown = slot >= 0 && keys[slot] != 0;
        result = isKnown ? results[slot] : 0;
        return isKnown;
    }

    /// <summary>Notes the result of a key.</summary>
    public void Set(long key, int result)
    {
        if (2 * count >= keys.Length)
            Grow();
        int slot = SlotOf(key);
        if (keys[slot] == 0)
            count++;
        (keys[slot], results[slot]) = (key + 1, result);
    }

    private int SlotOf(long key)
    {
        int shift = 64 - BitOperations.Log2((uint)keys.Length);
        int slot = (int)((ulong)(key * unchecked((long)0x9E3779B97F4A7C15)) >> shift);
        while (keys[slot] != 0 && keys[slot] != key + 1)
            slot = (slot + 1) & (keys.Length - 1);
        return slot;
    }

    private void Grow()
    {
        (long[] oldKeys, int[] oldResults) = (keys, results);
        (keys, results) = (new long[Math.Max(1024, 2 * oldKeys.Length)], new int[Math.Max(1024, 2 * oldKeys.Length)]);
        for (int i = 0; i < oldKeys.Length; i++)
            if (oldKeys[i] != 0)
            {
                int slot = SlotOf(oldKeys[i] - 1);
                (keys[slot], results[slot]) = (oldKeys[i], oldResults[i]);
            }
    }
}
