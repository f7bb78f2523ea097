namespace Lemma.Text.Models;

/// <summary>All ways to cut a text into pieces of a unigram model: the best of them, samples of them.</summary>
internal static class UnigramLattice
{
    /// <summary>Tells of one piece: where it starts and ends, its id (−1 for unknown) and its log probability.</summary>
    public delegate void VisitEdge(int start, int end, int id, double score);

    /// <summary>Visits every piece of a text in the order of the starts, unknown scalars included.</summary>
    public static void ForEachEdge(UnigramModel model, ReadOnlySpan<char> text, VisitEdge visit)
    {
        for (int start = 0, width; start < text.Length; start += width)
        {
            width = char.IsHighSurrogate(text[start]) ? 2 : 1;
            bool single = false;
            int node = model.Trie.First(text[start]);
            for (int end = start + 1; node > 0; end++)
            {
                if (model.Trie.IdAt(node) is int id and >= 0)
                {
                    visit(start, end, id, model.Scores[id]);
                    single |= end == start + width;
                }
                node = end < text.Length ? model.Trie.Next(node, text[end]) : 0;
            }
            if (!single)
                visit(start, start + width, -1, model.UnknownScore);
        }
    }

    /// <summary>The best ways, at most so many, the best first; equal ones in the order in which they are found.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">The text.</param>
    /// <param name="count">At least 1.</param>
    /// <param name="excluded">A piece that no way may have; −1 for none.</param>
    public static List<(double Score, int[] Ids)> Best(UnigramModel model, string text, int count, int excluded = -1)
    {
        List<(double Score, int From, int Rank, int Id)>[] ways = new List<(double, int, int, int)>[text.Length + 1];
        for (int i = 0; i <= text.Length; i++)
            ways[i] = [];
        ways[0].Add((0, -1, -1, -1));
        ForEachEdge(model, text, (start, end, id, score) =>
        {
            // All edges that end at a start were seen before it, so its ways are complete: the best are enough.
            Trim(ways[start], count);
            if (id != excluded || id < 0)
                for (int rank = 0; rank < ways[start].Count; rank++)
                    ways[end].Add((ways[start][rank].Score + score, start, rank, id));
        });
        Trim(ways[text.Length], count);
        return [.. ways[text.Length].Select((way, rank) => (way.Score, Trace(ways, text.Length, rank)))];
    }

    /// <summary>One way, drawn with a probability proportional to its own to the power of alpha.</summary>
    public static int[] Sample(UnigramModel model, string text, double alpha, Random random)
    {
        List<(int Start, int End, int Id, double Score)> edges = [];
        ForEachEdge(model, text, (start, end, id, score) => edges.Add((start, end, id, alpha * score)));
        double[] forward = Filled(text.Length + 1);
        forward[0] = 0;
        foreach ((int start, int end, _, double score) in edges)
            forward[end] = LogSum(forward[end], forward[start] + score);
        ILookup<int, (int Start, int End, int Id, double Score)> byEnd = edges.ToLookup(static edge => edge.End);
        List<int> ids = [];
        for (int at = text.Length; at > 0;)
        {
            double draw = random.NextDouble();
            (int Start, int End, int Id, double Score) taken = default;
            foreach ((int Start, int End, int Id, double Score) edge in byEnd[at])
            {
                taken = edge;
                draw -= Math.Exp(forward[edge.Start] + edge.Score - forward[at]);
                if (draw < 0)
                    break;
            }
            ids.Add(taken.Id);
            at = taken.Start;
        }
        ids.Reverse();
        return [.. ids];
    }

    private static void Trim(List<(double Score, int From, int Rank, int Id)> ways, int count)
    {
        if (ways.Count <= 1)
            return;
        (double Score, int From, int Rank, int Id)[] best = [.. ways.OrderByDescending(static way => way.Score).Take(count)];
        ways.Clear();
        ways.AddRange(best);
    }

    private static int[] Trace(List<(double Score, int From, int Rank, int Id)>[] ways, int at, int rank)
    {
        List<int> ids = [];
        while (at > 0)
        {
            (_, int from, int before, int id) = ways[at][rank];
            ids.Add(id);
            (at, rank) = (from, before);
        }
        ids.Reverse();
        return [.. ids];
    }

    private static double[] Filled(int count)
    {
        double[] values = new double[count];
        Array.Fill(values, double.NegativeInfinity);
        return values;
    }

    private static double LogSum(double a, double b)
    {
        if (double.IsNegativeInfinity(a))
            return b;
        if (double.IsNegativeInfinity(b))
            return a;
        return Math.Max(a, b) + Math.Log(1 + Math.Exp(-Math.Abs(a - b)));
    }
}
