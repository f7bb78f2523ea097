using System.Runtime.InteropServices;

namespace Lemma.Text.Training;

/// <summary>The words of a text as rows of ids, and how often each pair of neighbours occurs, kept true while pairs merge.</summary>
internal sealed class PairIndex
{
    private readonly int[][] words;
    private readonly int[] lengths;
    private readonly long[] counts;
    private readonly Dictionary<ulong, long> pairCounts = [];
    private readonly Dictionary<ulong, List<int>> found = [];

    /// <summary>An index of words and their counts.</summary>
    public PairIndex(int[][] words, long[] counts)
    {
        (this.words, this.counts) = (words, counts);
        lengths = [.. words.Select(static word => word.Length)];
        for (int word = 0; word < words.Length; word++)
            for (int i = 0; i + 1 < words[word].Length; i++)
                Change(QueuedPair.Key(words[word][i], words[word][i + 1]), word, counts[word]);
    }

    /// <summary>How often a pair occurs.</summary>
    public long CountOf(ulong pair) => pairCounts[pair];

    /// <summary>The pairs that became more frequent since the last call, in ascending order.</summary>
    public List<QueuedPair> TakeFound()
    {
        List<QueuedPair> pairs = new(found.Count);
        foreach ((ulong pair, List<int> where) in found)
            if (pairCounts[pair] is long count and > 0)
                pairs.Add(new QueuedPair(count, pair, where));
        found.Clear();
        pairs.Sort(static (a, b) => a.Pair.CompareTo(b.Pair));
        return pairs;
    }

    /// <summary>Makes one id of a pair in the words of a queued pair.</summary>
    public void Merge(QueuedPair pair, int merged)
    {
        foreach (int word in pair.Words)
            MergeIn(word, pair.Left, pair.Right, merged);
    }

    private void MergeIn(int word, int left, int right, int merged)
    {
        int[] ids = words[word];
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
                Change(QueuedPair.Key(ids[kept - 1], left), word, -counts[word]);
                Change(QueuedPair.Key(ids[kept - 1], merged), word, counts[word]);
            }
            if (i + 2 < length)
            {
                Change(QueuedPair.Key(right, ids[i + 2]), word, -counts[word]);
                Change(QueuedPair.Key(merged, ids[i + 2]), word, counts[word]);
            }
            ids[kept++] = merged;
            i++;
        }
        lengths[word] = kept;
    }

    private void Change(ulong pair, int word, long change)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(pairCounts, pair, out _) += change;
        if (change <= 0)
            return;
        ref List<int>? where = ref CollectionsMarshal.GetValueRefOrAddDefault(found, pair, out _);
        where ??= [];
        if (where.Count == 0 || where[^1] != word)
            where.Add(word);
    }
}
