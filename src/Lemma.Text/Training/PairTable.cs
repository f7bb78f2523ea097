using System.Runtime.InteropServices;

namespace Lemma.Text.Training;

/// <summary>Words as rows of ids, and how often each id and each pair of neighbours occurs, kept true while pairs are joined.</summary>
/// <remarks>A pair has a slot for ever. The words of a slot are those where it was ever found, so some may have it no more.</remarks>
internal sealed class PairTable
{
    private readonly int[][] words;
    private readonly int[] lengths;
    private readonly long[] wordCounts;
    private readonly Dictionary<ulong, int> slots = [];
    private readonly List<Pair> pairs = [];
    private readonly List<long> idCounts = [];
    private readonly List<List<int>> slotsOfId = [];
    private readonly List<int> grown = [];

    /// <summary>A table of words and their counts.</summary>
    public PairTable(int[][] words, long[] wordCounts)
    {
        (this.words, this.wordCounts) = (words, wordCounts);
        lengths = [.. words.Select(static word => word.Length)];
        for (int word = 0; word < words.Length; word++)
        {
            foreach (int id in words[word])
                ChangeId(id, wordCounts[word]);
            for (int i = 0; i + 1 < words[word].Length; i++)
                Change(words[word][i], words[word][i + 1], word, wordCounts[word]);
        }
    }

    /// <summary>The two ids of a pair as one number, which orders by the left, then by the right.</summary>
    public static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    /// <summary>The two ids of the pair in a slot.</summary>
    public (int Left, int Right) IdsOf(int slot) => ((int)(pairs[slot].Key >> 32), (int)(uint)pairs[slot].Key);

    /// <summary>How often an id occurs.</summary>
    public long CountOfId(int id) => idCounts[id];

    /// <summary>How often the pair in a slot occurs.</summary>
    public long CountOf(int slot) => pairs[slot].Count;

    /// <summary>The rank under which a slot was last queued; none at first.</summary>
    public ref PairRank QueuedRank(int slot) => ref CollectionsMarshal.AsSpan(pairs)[slot].Queued;

    /// <summary>The slots whose pairs became more frequent since the last call.</summary>
    public int[] TakeGrown()
    {
        int[] taken = [.. grown];
        foreach (int slot in taken)
            CollectionsMarshal.AsSpan(pairs)[slot].HasGrown = false;
        grown.Clear();
        return taken;
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
        foreach (int word in pairs[slot].Words)
            JoinIn(word, left, right, joined);
        ref Pair pair = ref CollectionsMarshal.AsSpan(pairs)[slot];
        (pair.Count, pair.Words, pair.Queued) = (0, [], default);
    }

    private void JoinIn(int word, int left, int right, int joined)
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
            ChangeId(left, -count);
            ChangeId(right, -count);
            ChangeId(joined, count);
            ids[kept++] = joined;
            i++;
        }
        lengths[word] = kept;
    }

    private void ChangeId(int id, long change)
    {
        while (idCounts.Count <= id)
        {
            idCounts.Add(0);
            slotsOfId.Add([]);
        }
        idCounts[id] += change;
    }

    private void Change(int left, int right, int word, long change)
    {
        ulong key = Key(left, right);
        ref int place = ref CollectionsMarshal.GetValueRefOrAddDefault(slots, key, out bool exists);
        if (!exists)
        {
            place = pairs.Count;
            pairs.Add(new Pair { Key = key, Words = [] });
        }
        int slot = place;
        ref Pair pair = ref CollectionsMarshal.AsSpan(pairs)[slot];
        pair.Count += change;
        if (change <= 0)
            return;
        if (pair.Words.Count == 0 || pair.Words[^1] != word)
            pair.Words.Add(word);
        if (pair.HasGrown)
            return;
        pair.HasGrown = true;
        grown.Add(slot);
        if (pair.Count != change)
            return;
        // Occurs for the first time, or again.
        ChangeId(Math.Max(left, right), 0);
        slotsOfId[left].Add(slot);
        if (left != right)
            slotsOfId[right].Add(slot);
    }

    private struct Pair
    {
        public ulong Key;
        public long Count;
        public List<int> Words;
        public PairRank Queued;
        public bool HasGrown;
    }
}
