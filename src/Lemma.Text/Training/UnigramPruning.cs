using Lemma.Text.Models;

namespace Lemma.Text.Training;

/// <summary>Expectation, maximization and pruning of a unigram vocabulary.</summary>
internal sealed class UnigramPruning(KeyValuePair<string, long>[] words, HashSet<string> required, UnigramTrainerOptions options)
{
    /// <summary>Pieces expected less often are dropped, as in SentencePiece.</summary>
    private const double LeastExpected = 0.5;

    /// <summary>Parts of the sums, which are added in their order, whatever the number of threads.</summary>
    private const int Parts = 16;
    private readonly ParallelOptions parallel = new() { MaxDegreeOfParallelism = options.Threads ?? Environment.ProcessorCount };

    /// <summary>From seeds to the pieces of the vocabulary, the most probable first.</summary>
    public List<(string Piece, double Score)> Run(
        List<(string Piece, double Score)> pieces, IProgress<double>? progress, CancellationToken cancellation)
    {
        int wanted = options.VocabularySize - options.SpecialTokens.Count, first = pieces.Count;
        int target = Math.Max(required.Count, wanted + (wanted / 10));
        while (true)
        {
            for (int round = 0; round < options.Rounds; round++)
            {
                cancellation.ThrowIfCancellationRequested();
                pieces = Maximize(pieces, Expect(new UnigramModel(pieces, null)));
            }
            progress?.Report(Math.Clamp((first - pieces.Count) / (double)Math.Max(1, first - target), 0, 1));
            if (pieces.Count <= target)
                break;
            int before = pieces.Count;
            pieces = Prune(pieces, Math.Max(target, (int)(options.KeptShare * pieces.Count)));
            if (pieces.Count == before)
                break;
        }
        progress?.Report(1);
        return Finish(pieces, wanted);
    }

    private double[] Expect(UnigramModel model)
    {
        double[][] parts = new double[Parts][];
        Parallel.For(0, Parts, parallel, part =>
        {
            double[] counts = new double[model.Pieces.Count];
            // Every sixteenth word, so that all parts have words of all kinds to do.
            for (int i = part; i < words.Length; i += Parts)
                UnigramLattice.AddExpected(model, words[i].Key, words[i].Value, counts);
            parts[part] = counts;
        });
        double[] sums = new double[model.Pieces.Count];
        foreach (double[] part in parts)
            for (int id = 0; id < sums.Length; id++)
                sums[id] += part[id];
        return sums;
    }

    /// <summary>New log probabilities, with the digamma function in the place of the logarithm, which favours fewer pieces.</summary>
    private List<(string Piece, double Score)> Maximize(List<(string Piece, double Score)> pieces, double[] expected)
    {
        List<(string Piece, double Count)> kept = [];
        for (int id = 0; id < pieces.Count; id++)
            if (expected[id] >= LeastExpected || required.Contains(pieces[id].Piece))
                kept.Add((pieces[id].Piece, Math.Max(expected[id], LeastExpected)));
        double total = Digamma(kept.Sum(static piece => piece.Count));
        return [.. kept.Select(piece => (piece.Piece, Digamma(piece.Count) - total))];
    }

    /// <summary>Keeps the pieces whose replacement by their second best cut would cost the most likelihood.</summary>
    private List<(string Piece, double Score)> Prune(List<(string Piece, double Score)> pieces, int size)
    {
        UnigramModel model = new(pieces, null);
        double[] counts = new double[pieces.Count];
        foreach ((string word, long count) in words)
        {
            List<int> ids = [];
            model.Encode(word, ids);
            foreach (int id in ids)
                counts[id] += count;
        }
        double sum = counts.Sum(), logSum = Math.Log(sum);
        double[] losses = new double[pieces.Count];
        Parallel.For(0, pieces.Count, parallel, id => losses[id] = required.Contains(pieces[id].Piece) ? double.PositiveInfinity
            : Loss(model, id, counts, sum, logSum));
        int[] order = [.. Enumerable.Range(0, pieces.Count).OrderByDescending(id => losses[id])
            .ThenBy(id => pieces[id].Piece, StringComparer.Ordinal).Take(Math.Max(size, required.Count)).Order()];
        return [.. order.Select(id => pieces[id])];
    }

    private static double Loss(UnigramModel model, int id, double[] counts, double sum, double logSum)
    {
        string piece = model.Pieces[id].Piece;
        List<(double Score, int[] Ids)> others = UnigramLattice.Best(model, piece, 1, excluded: id);
        if (others.Count == 0 || counts[id] == 0 || others[0].Score > model.Scores[id])
            return double.NegativeInfinity;
        double logSumWithout = Math.Log(sum + (counts[id] * (others[0].Ids.Length - 1))), without = 0;
        foreach (int part in others[0].Ids)
            without += Math.Log((part < 0 ? 0 : counts[part]) + counts[id]) - logSumWithout;
        return counts[id] / sum * (Math.Log(counts[id]) - logSum - without);
    }

    private List<(string Piece, double Score)> Finish(List<(string Piece, double Score)> pieces, int wanted) =>
        [.. pieces.OrderByDescending(piece => required.Contains(piece.Piece)).ThenByDescending(static piece => piece.Score)
            .ThenBy(static piece => piece.Piece, StringComparer.Ordinal).Take(Math.Max(wanted, required.Count))
            .OrderByDescending(static piece => piece.Score).ThenBy(static piece => piece.Piece, StringComparer.Ordinal)];

    /// <summary>ψ(x) = d/dx log Γ(x), by its recurrence and its asymptotic series.</summary>
    private static double Digamma(double x)
    {
        double result = 0;
        for (; x < 7; x++)
            result -= 1 / x;
        x -= 0.5;
        double inverse = 1 / (x * x);
        return result + Math.Log(x) + (inverse * ((1.0 / 24) - (inverse * ((7.0 / 960) - (inverse * (31.0 / 8064))))));
    }
}
