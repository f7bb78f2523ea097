namespace Lemma.Text.Training;

/// <summary>Expectation, maximization and pruning of a unigram vocabulary.</summary>
internal sealed class UnigramPruning(PieceLattice lattice, UnigramTrainerOptions options)
{
    /// <summary>Pieces expected less often are dropped, as in SentencePiece.</summary>
    private const double LeastExpected = 0.5;

    /// <summary>Parts of the sums, which are added in their order, whatever the number of threads.</summary>
    private const int Parts = 8;
    private readonly double[][] parts = [.. Enumerable.Range(0, Parts).Select(_ => new double[lattice.Count])];
    private readonly ParallelOptions parallel = new() { MaxDegreeOfParallelism = options.Threads ?? Environment.ProcessorCount };

    /// <summary>From seeds to the pieces of the vocabulary, the most probable first.</summary>
    public List<(string Piece, double Score)> Run(IProgress<TrainerProgress>? progress, CancellationToken cancellation)
    {
        int wanted = options.VocabularySize - options.SpecialTokens.Count, first = lattice.Count;
        int characters = lattice.IsRequired.Count(static required => required), target = Math.Max(characters, wanted + (wanted / 10));
        while (true)
        {
            for (int round = 0; round < options.Rounds; round++)
            {
                cancellation.ThrowIfCancellationRequested();
                Maximize(AddParts(new LatticeSums(lattice).Expect));
            }
            progress?.Report(TrainerProgress.OfLearning(Math.Clamp((first - lattice.Count) / (double)Math.Max(1, first - target), 0, 1)));
            if (lattice.Count <= target)
                break;
            int before = lattice.Count;
            Prune(Math.Max(target, (int)(options.KeptShare * lattice.Count)));
            if (lattice.Count == before)
                break;
        }
        progress?.Report(TrainerProgress.OfLearning(1));
        return [.. Enumerable.Range(0, lattice.Count).Select(id => (Piece: lattice.TextOf(id), Score: lattice.Scores[id], Id: id))
            .OrderByDescending(piece => lattice.IsRequired[piece.Id]).ThenByDescending(static piece => piece.Score).ThenBy(static piece => piece.Id)
            .Take(Math.Max(wanted, characters))
            .OrderByDescending(static piece => piece.Score).ThenBy(static piece => piece.Id).Select(static piece => (piece.Piece, piece.Score))];
    }

    /// <summary>The sums of counts over the words, in parts of about as much text.</summary>
    private ReadOnlySpan<double> AddParts(Action<int, int, double[]> count)
    {
        WordTexts words = lattice.Words;
        int[] bounds = new int[Parts + 1];
        for (int part = 1; part <= Parts; part++)
        {
            bounds[part] = bounds[part - 1];
            while (bounds[part] < words.Count && (part == Parts || words.StartOf(bounds[part]) < (long)words.Text.Length * part / Parts))
                bounds[part]++;
        }
        Parallel.For(0, Parts, parallel, part =>
        {
            parts[part].AsSpan(0, lattice.Count).Clear();
            count(bounds[part], bounds[part + 1], parts[part]);
        });
        Span<double> sums = parts[0].AsSpan(0, lattice.Count);
        foreach (double[] part in parts.AsSpan(1))
            for (int id = 0; id < sums.Length; id++)
                sums[id] += part[id];
        return sums;
    }

    /// <summary>New log probabilities, with the digamma function in the place of the logarithm, which favours fewer pieces.</summary>
    private void Maximize(ReadOnlySpan<double> expected)
    {
        List<int> kept = new(expected.Length);
        List<double> scores = new(expected.Length);
        double sum = 0;
        for (int id = 0; id < expected.Length; id++)
            if (expected[id] >= LeastExpected || lattice.IsRequired[id])
            {
                double count = Math.Max(expected[id], LeastExpected);
                kept.Add(id);
                scores.Add(Digamma(count));
                sum += count;
            }
        double total = Digamma(sum);
        lattice.Keep([.. kept], [.. scores.Select(score => score - total)]);
    }

    /// <summary>Keeps the pieces whose replacement by their second best cut would cost the most likelihood.</summary>
    private void Prune(int size)
    {
        double[] counts = [.. AddParts((first, end, sums) => new BestWay(lattice).CountBest(first, end, sums))], losses = new double[counts.Length];
        double sum = counts.Sum();
        Parallel.For(0, Parts, parallel, part =>
        {
            BestWay best = new(lattice);
            for (int id = part; id < losses.Length; id += Parts)
                losses[id] = lattice.IsRequired[id] ? double.PositiveInfinity : Loss(best, id, counts, sum);
        });
        // The least loss that is kept; of those that equal it, the first ones are kept.
        double[] sorted = [.. losses];
        Array.Sort(sorted);
        double least = sorted[^size];
        int equals = size - losses.Count(loss => loss > least);
        int[] kept = [.. Enumerable.Range(0, losses.Length).Where(id => losses[id] > least || (losses[id] == least && equals-- > 0))];
        lattice.Keep(kept, [.. kept.Select(id => lattice.Scores[id])]);
    }

    private double Loss(BestWay best, int id, double[] counts, double sum)
    {
        best.Find(lattice.SampleOf(id), lattice.Lengths[id], excluded: id);
        if (counts[id] == 0 || best.Score > lattice.Scores[id])
            return double.NegativeInfinity;
        double logSumWithout = Math.Log(sum + (counts[id] * (best.Ids.Count - 1))), without = 0;
        foreach (int part in best.Ids)
            without += Math.Log(counts[part] + counts[id]) - logSumWithout;
        return counts[id] / sum * (Math.Log(counts[id]) - Math.Log(sum) - without);
    }

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
