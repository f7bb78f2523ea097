namespace Lemma.Models;

/// <summary>Counts to probabilities: of each n-gram that was seen p, and of each context what it leaves for all others.</summary>
internal static class NGramEstimation
{
    /// <summary>p of what followed, and the factor of the lower order for what did not; sums of a context's counts are Σ_w c(h w).</summary>
    private delegate void Context(ReadOnlySpan<int> counts, ReadOnlySpan<double> lower, double[] discounts, Span<double> p, out double backoff);

    public static NGramModel AddK(NGramCounts counts, double k)
    {
        double words = Words(counts);
        double[][] p = Tables(counts.Levels, counts.Order), backoff = Tables(counts.Levels, counts.Order - 1);
        double[] none = [];
        Walk(counts, counts.Counts, [.. counts.Counts.Select(_ => none)], p, backoff, (seen, lower, _, own, out left) =>
        {
            double sum = k * words;
            foreach (int count in seen)
                sum += count;
            for (int i = 0; i < seen.Length; i++)
                own[i] = (seen[i] + k) / sum;
            // Times 1/V: the probability of what did not follow.
            left = k * words / sum;
        });
        return new NGramModel(counts.Levels, p, backoff, counts.Marks, words) { BacksOffToUniform = true };
    }

    public static NGramModel Katz(NGramCounts counts, int threshold)
    {
        double words = Words(counts);
        double[][] p = Tables(counts.Levels, counts.Order), backoff = Tables(counts.Levels, counts.Order - 1);
        double[][] discounts = [.. counts.Counts.Select(level => Formulas.KatzBackoff.Discounts(CountsOfCounts(level, threshold + 1), threshold))];
        Walk(counts, counts.Counts, discounts, p, backoff, (seen, lower, d, own, out left) =>
        {
            (double sum, double rest, double followed, int different) = (0, 0, 0, 0);
            for (int i = 0; i < seen.Length; i++)
            {
                sum += seen[i];
                rest += seen[i] * (1 - Formulas.KatzBackoff.Of(d, seen[i]));
                followed += seen[i] > 0 ? lower[i] : 0;
                different += seen[i] > 0 ? 1 : 0;
            }
            if (different == 0)
            {
                left = 1;
                return;
            }
            (double whole, double mass) = Formulas.KatzBackoff.Mass(sum, rest, different == (int)words);
            for (int i = 0; i < seen.Length; i++)
                own[i] = seen[i] == 0 ? 0 : Formulas.KatzBackoff.Of(d, seen[i]) * seen[i] / whole;
            left = mass == 0 ? 0 : mass / whole / (1 - followed);
        });
        return new NGramModel(counts.Levels, p, backoff, counts.Marks, words) { Discounts = discounts };
    }

    public static NGramModel KneserNey(NGramCounts counts, bool modified)
    {
        double words = Words(counts);
        int[][] adjusted = Adjusted(counts);
        double[][] p = Tables(counts.Levels, counts.Order), backoff = Tables(counts.Levels, counts.Order - 1);
        double[][] discounts = [.. adjusted.Select(level => Formulas.KneserNey.Discounts(CountsOfCounts(level, 4), modified))];
        Walk(counts, adjusted, discounts, p, backoff, (seen, lower, d, own, out left) =>
        {
            (double sum, double taken) = (0, 0);
            foreach (int count in seen)
                (sum, taken) = (sum + count, taken + Formulas.KneserNey.Of(d, count));
            left = sum == 0 ? 1 : taken / sum;
            for (int i = 0; i < seen.Length; i++)
                own[i] = (sum == 0 ? 0 : (seen[i] - Formulas.KneserNey.Of(d, seen[i])) / sum) + left * lower[i];
        });
        return new NGramModel(counts.Levels, p, backoff, counts.Marks, words) { Discounts = discounts };
    }

    /// <summary>Below the highest order: how many different words stand before an n-gram, the beginning of a document as one of them.</summary>
    /// <remarks>Before an n-gram that begins with the mark nothing stands, so it keeps how often it was seen, as in KenLM.</remarks>
    internal static int[][] Adjusted(NGramCounts counts)
    {
        int[][] adjusted = new int[counts.Order][];
        adjusted[^1] = counts.Counts[^1];
        (int first, int end) = (counts.Marks.Begin ?? 0, (counts.Marks.Begin ?? -1) + 1);
        for (int k = 1; k < counts.Order; k++)
        {
            int[] level = adjusted[k - 1] = new int[counts.Levels[k - 1].Count];
            foreach (int suffix in counts.Levels[k].Suffixes)
                level[suffix]++;
            if (counts.Marks.Begin is null)
            {
                for (int i = 0; i < level.Length; i++)
                    level[i] += counts.Beginning[k - 1][i] ? 1 : 0;
            }
            else if (k > 1)
            {
                // Those that begin with one word stand together in every order.
                (first, end) = (counts.Levels[k - 2].First[first], counts.Levels[k - 2].First[end]);
                counts.Counts[k - 1].AsSpan(first..end).CopyTo(level.AsSpan(first));
            }
        }
        return adjusted;
    }

    private static double Words(NGramCounts counts) => counts.VocabularySize - (counts.Marks.Unpredicted is null ? 0 : 1);

    private static double[][] Tables(NGramLevel[] levels, int count) => [.. levels.Take(count).Select(level => new double[level.Count])];

    private static long[] CountsOfCounts(int[] counts, int most)
    {
        long[] n = new long[most];
        foreach (int count in counts)
        {
            if (count > 0 && count <= most)
                n[count - 1]++;
        }
        return n;
    }

    // Orders from the lowest, since each needs the one below.
    private static void Walk(NGramCounts counts, int[][] table, double[][] discounts, double[][] p, double[][] backoff, Context context)
    {
        double uniform = 1 / Words(counts);
        double[] lower = new double[counts.VocabularySize];
        Array.Fill(lower, uniform);
        if (counts.Marks.Unpredicted is { } never)
            lower[never] = 0;
        context(table[0], lower, discounts[0], p[0], out double rest);
        for (int w = 0; w < p[0].Length; w++)
        {
            if (table[0][w] == 0)
                p[0][w] = rest * lower[w];
        }
        for (int k = 1; k < counts.Order; k++)
        {
            NGramLevel level = counts.Levels[k], below = counts.Levels[k - 1];
            double[] lowers = [.. level.Suffixes.Select(suffix => p[k - 1][suffix])];
            for (int node = 0; node < below.Count; node++)
            {
                (int first, int end) = below.Children(node);
                if (first == end)
                    backoff[k - 1][node] = 1;
                else
                    context(table[k].AsSpan(first..end), lowers.AsSpan(first..end), discounts[k], p[k].AsSpan(first..end), out backoff[k - 1][node]);
            }
        }
    }
}
