using System.Runtime.CompilerServices;

namespace Lemma.Text.Training;

/// <summary>Words as rows of ids, and how often each id and each pair of neighbours occurs, kept true while pairs are joined.</summary>
/// <remarks>A pair has a slot for ever, found by a hash table with open addresses. The words of a slot are a chain of all where it was ever
/// found, so some may have it no more:
/// <code>
/// slot of (a, b)   last place 7      places   word 3 &lt;- ... &lt;- word 9 (7)
/// </code></remarks>
internal sealed class PairTable
{
    private readonly int[][] words;
    private readonly int[] lengths;
    private readonly long[] wordCounts;
    private readonly List<long> idCounts = [];
    private readonly List<List<int>> slotsOfId = [];
    private readonly List<int> grown = [];
    private readonly bool knowsSlotsOfIds;
    private Pair[] pairs = new Pair[1 << 12];
    private Place[] places = new Place[1 << 14];
    private int[] slots = new int[1 << 13];
    private int pairCount, placeCount = 1, shift = 64 - 13;

    /// <summary>A table of words and their counts.</summary>
    /// <param name="words">The words as rows of ids, which change as pairs are joined.</param>
    /// <param name="wordCounts">How often each word occurs.</param>
    /// <param name="knowsSlotsOfIds">Whether <see cref="SlotsOfId"/> will be asked for.</param>
    public PairTable(int[][] words, long[] wordCounts, bool knowsSlotsOfIds = false)
    {
        (this.words, this.wordCounts, this.knowsSlotsOfIds) = (words, wordCounts, knowsSlotsOfIds);
        lengths = [.. words.Select(static word => word.Length)];
        for (int word = 0; word < words.Length; word++)
            Add(words[word], word, wordCounts[word]);
    }

    /// <summary>The two ids of a pair as one number, which orders by the left, then by the right.</summary>
    public static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    /// <summary>The two ids of the pair in a slot.</summary>
    public (int Left, int Right) IdsOf(int slot) => ((int)(pairs[slot].Key >> 32), (int)(uint)pairs[slot].Key);

    /// <summary>How often an id occurs.</summary>
    public long CountOfId(int id) => idCounts[id];

    /// <summary>How often the pair in a slot occurs.</summary>
    public long CountOf(int slot) => pairs[slot].Count;

    /// <summary>Moves the slots whose pairs became more frequent since the last call to a list.</summary>
    public void TakeGrown(List<int> taken)
    {
        taken.Clear();
        taken.AddRange(grown);
        foreach (int slot in grown)
            pairs[slot].HasGrown = false;
        grown.Clear();
    }

    /// <summary>The slots of the pairs that have an id, those that occur no more left out.</summary>
    public List<int> SlotsOfId(int id)
    {
        slotsOfId[id].RemoveAll(slot => pairs[slot].Count == 0);
        return slotsOfId[id];
    }

    /// <summary>Makes one id of the pair in a slot, wherever it occurs.</summary>
    public void Join(int slot, int joined)
    {
        (int left, int right) = IdsOf(slot);
        KnowId(joined);
        long count = 0;
        for (int place = pairs[slot].LastPlace; place != 0; place = places[place].Before)
            count += wordCounts[places[place].Word] * JoinIn(places[place].Word, left, right, joined);
        idCounts[left] -= count;
        idCounts[right] -= count;
        idCounts[joined] += count;
        (pairs[slot].Count, pairs[slot].LastPlace) = (0, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Add(int[] ids, int word, long count)
    {
        for (int i = 0; i < ids.Length; i++)
        {
            KnowId(ids[i]);
            idCounts[ids[i]] += count;
            if (i > 0)
                Change(ids[i - 1], ids[i], word, count);
        }
    }

    /// <summary>Makes one id of a pair in a word; returns how many times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int JoinIn(int word, int left, int right, int joined)
    {
        int[] ids = words[word];
        long count = wordCounts[word];
        int length = lengths[word], kept = 0;
        for (int i = 0; i < length; i++)
        {
            if (i + 1 == length || ids[i] != left || ids[i + 1] != right)
            {
                ids[kept++] = ids[i];
                continue;
            }
            if (kept > 0)
            {
                Change(ids[kept - 1], left, word, -count);
                Change(ids[kept - 1], joined, word, count);
            }
            if (i + 2 < length)
            {
                Change(right, ids[i + 2], word, -count);
                Change(joined, ids[i + 2], word, count);
            }
            ids[kept++] = joined;
            i++;
        }
        lengths[word] = kept;
        return length - kept;
    }

    private void KnowId(int id)
    {
        while (idCounts.Count <= id)
        {
            idCounts.Add(0);
            if (knowsSlotsOfIds)
                slotsOfId.Add([]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Change(int left, int right, int word, long change)
    {
        int slot = SlotOf(Key(left, right));
        ref Pair pair = ref pairs[slot];
        pair.Count += change;
        if (change <= 0)
            return;
        if (pair.LastPlace == 0 || places[pair.LastPlace].Word != word)
        {
            if (placeCount == places.Length)
                Array.Resize(ref places, 2 * placeCount);
            places[placeCount] = new Place(word, pair.LastPlace);
            pair.LastPlace = placeCount++;
        }
        if (pair.HasGrown)
            return;
        pair.HasGrown = true;
        grown.Add(slot);
        if (!knowsSlotsOfIds || pair.Count != change)
            return;
        // Occurs for the first time, or again.
        slotsOfId[left].Add(slot);
        if (left != right)
            slotsOfId[right].Add(slot);
    }

    /// <summary>The slot of a pair, a new one where it has none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int SlotOf(ulong key)
    {
        int place = PlaceOf(key);
        for (; slots[place] != 0; place = (place + 1) & (slots.Length - 1))
            if (pairs[slots[place] - 1].Key == key)
                return slots[place] - 1;
        if (pairCount == pairs.Length)
            Array.Resize(ref pairs, 2 * pairCount);
        pairs[pairCount] = new Pair { Key = key };
        slots[place] = ++pairCount;
        if (2 * pairCount > slots.Length)
            Grow();
        return pairCount - 1;
    }

    private void Grow()
    {
        slots = new int[2 * slots.Length];
        shift--;
        for (int slot = 0; slot < pairCount; slot++)
        {
            int place = PlaceOf(pairs[slot].Key);
            while (slots[place] != 0)
                place = (place + 1) & (slots.Length - 1);
            slots[place] = slot + 1;
        }
    }

    // The highest bits of the product mix all bits of the key.
    private int PlaceOf(ulong key) => (int)((key * HashKeys.First) >> shift);

    private readonly record struct Place(int Word, int Before);

    private struct Pair
    {
        public ulong Key;
        public long Count;
        public int LastPlace;
        public bool HasGrown;
    }
}
