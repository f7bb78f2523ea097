using System.Runtime.CompilerServices;

namespace Lemma.Text.Training;

/// <summary>Sums over all ways through the lattices of words.</summary>
internal sealed class LatticeSums(PieceLattice lattice)
{
    // Below e to the power of this, products of probabilities leave the range of a double.
    private const double LeastLog = -700;
    private readonly double[] probabilities = [.. lattice.Scores.Select(Math.Exp)];
    private readonly double leastScore = lattice.Scores.Min();

    /// <summary>Adds to counts how often each piece is expected in the words from one to another.</summary>
    /// <remarks>The forward-backward sums of Kudo 2018: α is the sum over the ways up to a place, β that over the ways from it.</remarks>
    public void Expect(int firstWord, int endWord, double[] counts)
    {
        double[] forward = [], backward = [];
        for (int word = firstWord; word < endWord; word++)
        {
            int start = lattice.Words.StartOf(word), length = lattice.Words.StartOf(word + 1) - start;
            if (forward.Length <= length)
                (forward, backward) = (new double[2 * (length + 1)], new double[2 * (length + 1)]);
            // No way has more pieces than the word has code units, so none is less probable than this.
            if (length * leastScore > LeastLog)
                AddExpected(start, length, lattice.Words.Counts[word], forward, backward, counts);
            else
                AddExpectedByLogs(start, length, lattice.Words.Counts[word], forward, backward, counts);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddExpected(int start, int length, double weight, double[] forward, double[] backward, double[] counts)
    {
        PieceLattice.Edge[] edges = lattice.Edges;
        int[] firstEdge = lattice.FirstEdge;
        forward.AsSpan(0, length + 1).Clear();
        backward.AsSpan(0, length + 1).Clear();
        forward[0] = backward[length] = 1;
        for (int at = 0; at < length; at++)
        {
            double ways = forward[at];
            for (int e = firstEdge[start + at]; e < firstEdge[start + at + 1]; e++)
                forward[at + edges[e].Length] += ways * probabilities[edges[e].Id];
        }
        double share = weight / forward[length];
        for (int at = length - 1; at >= 0; at--)
        {
            double ways = 0, before = share * forward[at];
            for (int e = firstEdge[start + at]; e < firstEdge[start + at + 1]; e++)
            {
                double through = probabilities[edges[e].Id] * backward[at + edges[e].Length];
                ways += through;
                counts[edges[e].Id] += before * through;
            }
            backward[at] = ways;
        }
    }

    /// <summary>The same where the products would leave the range of numbers: α and β are logarithms.</summary>
    private void AddExpectedByLogs(int start, int length, double weight, double[] forward, double[] backward, double[] counts)
    {
        PieceLattice.Edge[] edges = lattice.Edges;
        int[] firstEdge = lattice.FirstEdge;
        forward.AsSpan(0, length + 1).Fill(double.NegativeInfinity);
        backward.AsSpan(0, length + 1).Fill(double.NegativeInfinity);
        forward[0] = backward[length] = 0;
        for (int at = 0; at < length; at++)
            for (int e = firstEdge[start + at]; e < firstEdge[start + at + 1]; e++)
                forward[at + edges[e].Length] = LogSum(forward[at + edges[e].Length], forward[at] + lattice.Scores[edges[e].Id]);
        for (int at = length - 1; at >= 0; at--)
            for (int e = firstEdge[start + at]; e < firstEdge[start + at + 1]; e++)
            {
                double through = lattice.Scores[edges[e].Id] + backward[at + edges[e].Length];
                backward[at] = LogSum(backward[at], through);
                counts[edges[e].Id] += weight * Math.Exp(forward[at] + through - forward[length]);
            }
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
