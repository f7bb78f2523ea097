namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group N-grams.</summary>
internal static class NGramTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["add_k"] = x => Rows(x, (c, _) =>
        {
            double k = x.Number("k", 1), sum = c.Sum(one => one + k);
            return [.. c.Select(one => (one + k) / sum)];
        }),
        ["katz_backoff"] = Katz,
        ["kneser_ney"] = KneserNey,
    };

    // Good's r* = (r + 1)·n(r + 1)/n(r); Katz leaves counts above k and scales the others so that n₁ is what they lose together.
    private static double[] Katz(TwinInput x)
    {
        double N(int r) => x["counts"].Count(count => count == r);
        double Discount(int r, int k)
        {
            double rest = (k + 1) * N(k + 1) / N(1);
            return r > k ? 1 : ((r + 1) * N(r + 1) / N(r) / r - rest) / (1 - rest);
        }
        int threshold = x.Whole("threshold", 5);
        while (threshold > 0 && !Enumerable.Range(1, threshold).All(r => Discount(r, threshold) is > 0 and <= 1))
            threshold--;
        double[] discounts = [.. Enumerable.Range(1, threshold).Select(r => Discount(r, threshold))];
        return Rows(x, (c, lower) =>
        {
            double[] kept = [.. c.Select(one => one == 0 ? 0 : one <= threshold ? one * discounts[(int)one - 1] : one)];
            double whole = c.Sum();
            if (whole == 0)
                return lower;
            if (c.All(one => one > 0))
                return [.. kept.Select(one => one / kept.Sum())];
            if (Enumerable.Range(0, c.Length).All(i => kept[i] == c[i]))
                whole++;
            double unseen = Enumerable.Range(0, c.Length).Where(i => c[i] == 0).Sum(i => lower[i]);
            double left = (whole - kept.Sum()) / whole;
            return [.. c.Select((one, i) => one > 0 ? kept[i] / whole : left * lower[i] / unseen)];
        });
    }

    private static double[] KneserNey(TwinInput x)
    {
        double N(int r) => x["counts"].Count(count => count == r);
        double y = N(1) / (N(1) + 2 * N(2));
        double[] d = x.Flag("modified", true) ? [1 - 2 * y * N(2) / N(1), 2 - 3 * y * N(3) / N(2), 3 - 4 * y * N(4) / N(3)] : [y, y, y];
        if (!(d[0] > 0 && d[1] > 0 && d[2] > 0))
            d = x.Flag("modified", true) ? [0.5, 1, 1.5] : [0.5, 0.5, 0.5];
        return Rows(x, (c, lower) =>
        {
            double sum = c.Sum(), gamma = c.Sum(one => one == 0 ? 0 : d[(int)Math.Min(one, 3) - 1]) / sum;
            return sum == 0 ? lower : [.. c.Select((one, i) => (one == 0 ? 0 : (one - d[(int)Math.Min(one, 3) - 1]) / sum) + gamma * lower[i])];
        });
    }

    private static double[] Rows(TwinInput x, Func<double[], double[], double[]> row)
    {
        int width = x.Columns("counts");
        return [.. x["counts"].Chunk(width).SelectMany((counts, i) => row(counts, x.Has("lower") ? x["lower"][(i * width)..((i + 1) * width)] : []))];
    }
}
