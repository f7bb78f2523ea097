using System.Runtime.InteropServices;
using Lemma.Text.Splitting;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>What one thread needs while it encodes: the ids so far, and the words that it has merged before.</summary>
/// <remarks>Bounded: when the memory of words is full it is emptied. Not thread-safe.</remarks>
internal sealed class ByteLevelState
{
    private const int MostRemembered = 1 << 20, Ways = 4, LongSlots = 1 << 13;

    /// <summary>The longest word that is remembered, in bytes.</summary>
    public const int LongestRemembered = 128;

    private readonly WordTable shortWords = new(1 << 14);
    private readonly LongWord[] longWords = new LongWord[LongSlots];
    private int[] remembered = new int[1 << 12];
    private byte[] spellings = new byte[1 << 12];
    private int rememberedCount, spellingsLength;
    private SplitBuffer? pieces;

    private struct LongWord
    {
        public ulong Hash;
        public int Spelling, Length, Ids;
    }

    /// <summary>The ids so far.</summary>
    public int[] Ids = new int[256];

    /// <summary>The number of ids so far.</summary>
    public int Count;

    /// <summary>Bytes of the current word.</summary>
    public byte[] Bytes = new byte[256];

    /// <summary>The pieces of the current text, for splitters without a scanner.</summary>
    public SplitBuffer Pieces => pieces ??= new SplitBuffer();

    /// <summary>Makes room for so many more ids.</summary>
    public void Reserve(int more)
    {
        if (Ids.Length - Count < more)
            Array.Resize(ref Ids, (int)Math.Min(Array.MaxLength, Math.Max(2L * Ids.Length, (long)Count + more)));
    }

    /// <summary>Appends the ids of a remembered short word; false when it is not remembered.</summary>
    public bool TryAppend(WordKey key)
    {
        int at = shortWords.Find(key);
        if (at < 0)
            return false;
        Append(at);
        return true;
    }

    /// <summary>Remembers the ids from an index on as those of a short word.</summary>
    public void Remember(WordKey key, int firstId)
    {
        if (shortWords.Count == shortWords.Most || rememberedCount > MostRemembered)
            Forget();
        shortWords.Add(key, Keep(firstId));
    }

    /// <summary>Appends the ids of a remembered long word; false when it is not remembered.</summary>
    public bool TryAppend(ReadOnlySpan<byte> word, ulong hash)
    {
        for (int way = 0; way < Ways; way++)
        {
            ref LongWord entry = ref longWords[(int)(hash + (ulong)way) & (LongSlots - 1)];
            if (entry.Hash != hash || entry.Length != word.Length || !word.SequenceEqual(spellings.AsSpan(entry.Spelling, entry.Length)))
                continue;
            Append(entry.Ids);
            return true;
        }
        return false;
    }

    /// <summary>Remembers the ids from an index on as those of a long word.</summary>
    public void Remember(ReadOnlySpan<byte> word, ulong hash, int firstId)
    {
        if (rememberedCount > MostRemembered || spellingsLength > 4 * MostRemembered)
            Forget();
        int way = 0;
        while (way < Ways - 1 && longWords[(int)(hash + (ulong)way) & (LongSlots - 1)].Length > 0)
            way++;
        while (spellings.Length - spellingsLength < word.Length)
            Array.Resize(ref spellings, 2 * spellings.Length);
        word.CopyTo(spellings.AsSpan(spellingsLength));
        longWords[(int)(hash + (ulong)way) & (LongSlots - 1)] =
            new LongWord { Hash = hash, Spelling = spellingsLength, Length = word.Length, Ids = Keep(firstId) };
        spellingsLength += word.Length;
    }

    /// <summary>A hash of a long word.</summary>
    public static ulong HashOf(ReadOnlySpan<byte> word)
    {
        ulong hash = (ulong)word.Length;
        ReadOnlySpan<ulong> parts = MemoryMarshal.Cast<byte, ulong>(word);
        foreach (ulong part in parts)
            hash = (System.Numerics.BitOperations.RotateLeft(hash, 29) ^ part) * HashKeys.First;
        foreach (byte b in word[(8 * parts.Length)..])
            hash = (hash ^ b) * HashKeys.Second;
        return hash ^ (hash >> 29);
    }

    private void Append(int at)
    {
        int count = remembered[at];
        Reserve(count);
        for (int i = 0; i < count; i++)
            Ids[Count + i] = remembered[at + 1 + i];
        Count += count;
    }

    private int Keep(int firstId)
    {
        int at = rememberedCount, count = Count - firstId;
        while (remembered.Length - at < count + 1)
            Array.Resize(ref remembered, 2 * remembered.Length);
        remembered[at] = count;
        Ids.AsSpan(firstId, count).CopyTo(remembered.AsSpan(at + 1));
        rememberedCount += count + 1;
        return at;
    }

    private void Forget()
    {
        shortWords.Clear();
        Array.Clear(longWords);
        (rememberedCount, spellingsLength) = (0, 0);
    }
}
