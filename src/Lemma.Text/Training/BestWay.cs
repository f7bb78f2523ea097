using System.Runtime.CompilerServices;

namespace Lemma.Text.Training;

/// <summary>The most probable way through the lattice from a place (Viterbi).</summary>
internal sealed class BestWay(PieceLattice lattice)
{
    private double[] scores = [];
    private PieceLattice.Edge[] last = [];

    /// <summary>The log probability of the way; −∞ where there is none.</summary>
    public double Score { get; private set; }

    /// <summary>The pieces of the way, from the last to the first.</summary>
    public List<int> Ids { get; } = [];

    /// <summary>Finds the way over so many code units from a place, without one piece; of equal ways the one found first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Find(int start, int length, int excluded)
    {
        if (scores.Length <= length)
            (scores, last) = (new double[2 * (length + 1)], new PieceLattice.Edge[2 * (length + 1)]);
        PieceLattice.Edge[] edges = lattice.Edges;
        int[] firstEdge = lattice.FirstEdge;
        scores.AsSpan(0, length + 1).Fill(double.NegativeInfinity);
        scores[0] = 0;
        for (int at = 0; at < length; at++)
        {
            double before = scores[at];
            for (int e = firstEdge[start + at]; e < firstEdge[start + at + 1]; e++)
            {
                int end = at + edges[e].Length;
                // Longer pieces follow.
                if (end > length)
                    break;
                double score = before + lattice.Scores[edges[e].Id];
                if (score > scores[end] && edges[e].Id != excluded)
                    (scores[end], last[end]) = (score, edges[e]);
            }
        }
        Score = scores[length];
        Ids.Clear();
        if (!double.IsNegativeInfinity(Score))
            for (int at = length; at > 0; at -= last[at].Length)
                Ids.Add(last[at].Id);
    }

    /// <summary>Adds to counts how often each piece is in the best ways of the words from one to another.</summary>
    public void CountBest(int firstWord, int endWord, double[] counts)
    {
        for (int word = firstWord; word < endWord; word++)
        {
            int start = lattice.Words.StartOf(word), length = lattice.Words.StartOf(word + 1) - start;
            Find(start, length, excluded: -1);
            foreach (int id in Ids)
                counts[id] += lattice.Words.Counts[word];
        }
    }
}
