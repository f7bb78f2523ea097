using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>Words of at most 15 bytes to numbers: a hash table with open addressing.</summary>
/// <remarks>A word is its own key (<see cref="WordKey"/>), so a hit is exact. Reads of a table that no longer changes are
/// thread-safe.</remarks>
internal sealed class WordTable
{
    private readonly Entry[] entries;
    private readonly int shift;

    private struct Entry
    {
        public ulong Low, High;
        public int Value;
    }

    /// <summary>An empty table for so many words.</summary>
    public WordTable(int words)
    {
        int slots = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2 * words));
        entries = new Entry[slots];
        shift = 64 - BitOperations.Log2((uint)slots);
        Most = slots / 2;
    }

    /// <summary>The number of words that it holds.</summary>
    public int Count { get; private set; }

    /// <summary>The number of words that it can hold.</summary>
    public int Most { get; }

    /// <summary>The number of a word, or −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(WordKey key)
    {
        ref Entry first = ref MemoryMarshal.GetArrayDataReference(entries);
        for (int slot = SlotOf(key); ; slot = (slot + 1) & (entries.Length - 1))
        {
            ref Entry entry = ref Unsafe.Add(ref first, slot);
            if (entry.Low == key.Low && entry.High == key.High)
                return entry.Value;
            if (entry.High == 0)
                return -1;
        }
    }

    /// <summary>Adds a word that the table lacks; it must have room.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(WordKey key, int value)
    {
        int slot = SlotOf(key);
        while (entries[slot].High != 0)
            slot = (slot + 1) & (entries.Length - 1);
        entries[slot] = new Entry { Low = key.Low, High = key.High, Value = value };
        Count++;
    }

    /// <summary>Forgets all words.</summary>
    public void Clear()
    {
        Array.Clear(entries);
        Count = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int SlotOf(WordKey key) => (int)(key.Hash >> shift);
}
