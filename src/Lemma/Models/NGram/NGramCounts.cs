using System.Runtime.InteropServices;

namespace Lemma.Models;

/// <summary>How often each n-gram of orders 1 to n occurs in documents of ids.</summary>
/// <remarks>
/// Sorted arrays, a level an order; time and memory grow with the text times the order. No n-gram reaches from one document into the next.
/// </remarks>
public sealed class NGramCounts
{
    /// <summary>The highest order.</summary>
    public const int MostOrder = 8;

    private NGramCounts(int order, int vocabularySize, NGramMarks marks) => (Order, VocabularySize, Marks) = (order, vocabularySize, marks);

    /// <summary>The highest order that is counted.</summary>
    public int Order { get; }

    /// <summary>V: ids are below.</summary>
    public int VocabularySize { get; }

    /// <summary>The ids around a document.</summary>
    public NGramMarks Marks { get; }

    /// <summary>Ids that were predicted: all but those that begin a document.</summary>
    public long Tokens { get; private set; }

    internal NGramLevel[] Levels { get; private set; } = [];

    /// <summary>How often each n-gram was seen, a level an order; of words that may be predicted, as predicted.</summary>
    internal int[][] Counts { get; private set; } = [];

    /// <summary>How many n-grams begin a document that has no mark before it, by place; empty where there is a mark.</summary>
    internal bool[][] Beginning { get; private set; } = [];

    /// <summary>Counts documents.</summary>
    /// <param name="documents">The ids of each, without marks; they may be empty.</param>
    /// <param name="order">The highest order, 1 to 8.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="marks">The ids around a document.</param>
    public static NGramCounts Count(IEnumerable<ReadOnlyMemory<int>> documents, int order, int vocabularySize, NGramMarks marks)
    {
        ArgumentNullException.ThrowIfNull(documents);
        NGramText text = new(vocabularySize, marks);
        foreach (ReadOnlyMemory<int> document in documents)
            text.Add(document.Span, isEnded: true);
        return Count(text, order);
    }

    /// <summary>Counts one run of ids, as a <c>TokenDataset</c> has them: behind each document its end mark, where there is one.</summary>
    /// <param name="ids">The run; what stands behind its last mark is a document whose end was not seen, and a mark that begins it is the first's beginning.</param>
    /// <param name="order">The highest order, 1 to 8.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="marks">The ids around a document.</param>
    public static NGramCounts CountRun(ReadOnlySpan<int> ids, int order, int vocabularySize, NGramMarks marks)
    {
        NGramText text = new(vocabularySize, marks);
        text.AddRun(ids);
        return Count(text, order);
    }

    /// <summary>How often an n-gram of 1 to <see cref="Order"/> ids occurs, marks among them.</summary>
    public long CountOf(ReadOnlySpan<int> ids)
    {
        Require.That(ids.Length > 0 && ids.Length <= Order, $"n-grams: counted are those of 1 to {Order} ids, but {ids.Length} were given");
        return NGramTrie.Find(Levels, ids) is { } node ? Counts[ids.Length - 1][node] : 0;
    }

    /// <summary>How many different n-grams of an order there are.</summary>
    public long Distinct(int order)
    {
        Require.That(order > 0 && order <= Order, $"n-grams: orders are from 1 to {Order}, but {order} was asked for");
        return Counts[order - 1].Count(static count => count > 0);
    }

    private static NGramCounts Count(NGramText text, int order)
    {
        Require.That(order is > 0 and <= MostOrder, $"n-grams: the order must be from 1 to {MostOrder}, but it is {order}");
        text.Check();
        Require.That(text.Predicted > 0, $"n-grams: a text with at least one id to predict is needed, but there is none");
        NGramCounts counts = new(order, text.VocabularySize, text.Marks) { Tokens = text.Predicted };
        ReadOnlySpan<int> ids = text.Ids, depths = text.Depths;
        NGramLevel[] levels = new NGramLevel[order];
        int[][] seen = new int[order][];
        bool[][] beginning = text.Marks.Begin is null ? new bool[order][] : [];
        levels[0] = NGramLevel.OfWords(text.VocabularySize);
        seen[0] = new int[text.VocabularySize];
        for (int i = 0; i < ids.Length; i++)
            seen[0][ids[i]] += text.IsPredicted(i) ? 1 : 0;
        int[] nodes = ids.ToArray();
        if (beginning.Length > 0)
            beginning[0] = Begin(nodes, depths, 1, text.VocabularySize);
        for (int k = 2; k <= order; k++)
        {
            (levels[k - 1], seen[k - 1]) = Next(ids, depths, k, levels[k - 2], nodes);
            if (beginning.Length > 0)
                beginning[k - 1] = Begin(nodes, depths, k, levels[k - 1].Count);
        }
        (counts.Levels, counts.Counts, counts.Beginning) = (levels, seen, beginning);
        return counts;
    }

    private static bool[] Begin(int[] nodes, ReadOnlySpan<int> depths, int order, int count)
    {
        bool[] begins = new bool[count];
        for (int i = 0; i < nodes.Length; i++)
        {
            if (depths[i] == order)
                begins[nodes[i]] = true;
        }
        return begins;
    }

    // Places are sorted by their last word and then, without disturbing that, by their context: each time by counting, so in linear time. Nodes become
    // those of the n-grams of the order that end at each place.
    private static (NGramLevel Level, int[] Counts) Next(ReadOnlySpan<int> ids, ReadOnlySpan<int> depths, int order, NGramLevel below, int[] nodes)
    {
        int some = 0;
        foreach (int depth in depths)
            some += depth >= order ? 1 : 0;
        int[] places = new int[some], sorted = new int[some];
        for (int i = 0, at = 0; i < ids.Length; i++)
        {
            if (depths[i] >= order)
                places[at++] = i;
        }
        int[] ends = new int[Math.Max(below.Count, below.Words.Length) + 1];
        Sort(places, sorted, ids, 0, ends);
        Sort(sorted, places, nodes, 1, ends);
        List<int> words = [], suffixes = [], counts = [];
        int[] first = new int[below.Count + 1], next = new int[ids.Length];
        int context = -1;
        foreach (int place in places)
        {
            int parent = nodes[place - 1];
            if (parent != context || words[^1] != ids[place])
            {
                words.Add(ids[place]);
                suffixes.Add(nodes[place]);
                counts.Add(0);
                first[parent + 1]++;
                context = parent;
            }
            CollectionsMarshal.AsSpan(counts)[^1]++;
            next[place] = words.Count - 1;
        }
        for (int i = 0; i < below.Count; i++)
            first[i + 1] += first[i];
        below.First = first;
        next.CopyTo(nodes, 0);
        return (new NGramLevel { Words = [.. words], Suffixes = [.. suffixes], First = new int[words.Count + 1] }, [.. counts]);
    }

    private static void Sort(int[] from, int[] to, ReadOnlySpan<int> keys, int before, int[] ends)
    {
        if (from.Length == 0)
            return;
        int most = 0;
        foreach (int place in from)
            most = Math.Max(most, keys[place - before]);
        int[] starts = most + 1 < ends.Length ? ends : new int[most + 2];
        Array.Clear(starts);
        foreach (int place in from)
            starts[keys[place - before] + 1]++;
        for (int i = 0; i <= most; i++)
            starts[i + 1] += starts[i];
        foreach (int place in from)
            to[starts[keys[place - before]]++] = place;
    }
}
