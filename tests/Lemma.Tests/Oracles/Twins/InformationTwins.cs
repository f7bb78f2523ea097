using static Lemma.Tests.Oracles.Twins.RegularizationTwins;
using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Information.</summary>
internal static class InformationTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["self_information"] = x => Map(x["p"], p => -Math.Log(p) * x.Unit()),
        ["entropy"] = x => MapRows(x["p"], x.Columns("p"), row => [Entropy(row) * x.Unit()]),
        ["joint_entropy"] = x => [Entropy(x["joint"]) * x.Unit()],
        ["conditional_entropy"] = x => [(Entropy(x["joint"]) - Entropy(Marginal(x, true))) * x.Unit()],
        ["mutual_information"] = x => [(Entropy(Marginal(x, true)) + Entropy(Marginal(x, false)) - Entropy(x["joint"])) * x.Unit()],
        ["information_cross_entropy"] = x => RowPairs(x, (p, q) => Sum(Map(p, q, Cross)) * x.Unit()),
        ["jensen_shannon"] = x => RowPairs(x,
            (p, q) => (Entropy(Map(p, q, (left, right) => (left + right) / 2)) - (Entropy(p) + Entropy(q)) / 2) * x.Unit()),
        ["kl_divergence"] = Divergence,
        ["bits_per_byte"] = x => Map(x["nll"], nll => nll / Math.Log(2) * x.Number("tokens") / x.Number("bytes")),
        ["binary_symmetric_capacity"] = x => Map(x["p"], p => 1 - Entropy([p, 1 - p]) / Math.Log(2)),
        ["binary_erasure_capacity"] = x => Map(x["p"], p => 1 - p),
        ["channel_capacity"] = Capacity,
        ["huffman_code"] = Huffman,
        // The ideal length; a coder that writes whole bits with 16-bit probabilities is within two of it and a little more a step.
        ["arithmetic_code"] = x => [Sum([.. x["symbols"].Select((symbol, t) => -Math.Log2(x["p"][t * x.Columns("p") + (int)symbol]))])],
    };

    // −Σ p·ln p, 0·ln 0 = 0.
    private static double Entropy(double[] p) => Sum(Map(p, p, Cross));

    private static double Cross(double p, double q) => p == 0 ? 0 : -p * Math.Log(q);

    private static double[] Marginal(TwinInput x, bool rows)
    {
        int columns = x.Columns("joint");
        double[] marginal = new double[rows ? x.Size("joint", 0) : columns];
        for (int i = 0; i < x["joint"].Length; i++)
            marginal[rows ? i / columns : i % columns] += x["joint"][i];
        return marginal;
    }

    private static double[] RowPairs(TwinInput x, Func<double[], double[], double> f)
    {
        int width = x.Columns("p");
        double[] y = new double[x["p"].Length / width];
        for (int row = 0; row < y.Length; row++)
            y[row] = f(x["p"][(row * width)..((row + 1) * width)], x["q"][(row * width)..((row + 1) * width)]);
        return y;
    }

    private static double[] Divergence(TwinInput x)
    {
        int width = x.Columns("p_logits");
        double sum = 0;
        for (int row = 0; row < x["p_logits"].Length; row += width)
        {
            double[] logP = LogSoftmax(x["p_logits"][row..(row + width)]), logQ = LogSoftmax(x["q_logits"][row..(row + width)]);
            for (int i = 0; i < width; i++)
                sum += Math.Exp(logP[i]) == 0 ? 0 : Math.Exp(logP[i]) * (logP[i] - logQ[i]);
        }
        return [sum * width / x["p_logits"].Length * x.Unit("nats")];
    }

    // Blahut's iteration until all inputs that are used tell the same about the output, and no other tells more.
    private static double[] Capacity(TwinInput x)
    {
        int inputs = x.Size("channel", 0), outputs = x.Size("channel", 1);
        double[] p = [.. Enumerable.Repeat(1.0 / inputs, inputs)];
        while (true)
        {
            double[] output = Product(p, x["channel"], inputs, outputs), told = new double[inputs];
            for (int i = 0; i < x["channel"].Length; i++)
                told[i / outputs] += x["channel"][i] == 0 ? 0 : x["channel"][i] * Math.Log(x["channel"][i] / output[i % outputs]);
            double mean = Sum(Map(p, told, (share, tells) => share * tells)), most = told.Max();
            if (most - mean < 1e-10)
                return [mean / Math.Log(2)];
            p = Map(p, told, (share, tells) => share * Math.Exp(tells - most));
            double total = Sum(p);
            p = Map(p, share => share / total);
        }
    }

    // Joins the two lightest groups until one is left; each join adds a bit to all in it.
    private static double[] Huffman(TwinInput x)
    {
        double[] lengths = new double[x["p"].Length];
        List<(double Weight, int[] Symbols)> groups = [.. x["p"].Select((p, i) => (p, new[] { i })).Where(group => group.p > 0)];
        if (groups.Count == 1)
            lengths[groups[0].Symbols[0]] = 1;
        while (groups.Count > 1)
        {
            (double, int[]) Lightest()
            {
                int best = 0;
                for (int i = 1; i < groups.Count; i++)
                    best = groups[i].Weight < groups[best].Weight ? i : best;
                (double, int[]) group = groups[best];
                groups.RemoveAt(best);
                return group;
            }
            (double first, int[] left) = Lightest();
            (double second, int[] right) = Lightest();
            int[] joined = [.. left, .. right];
            foreach (int symbol in joined)
                lengths[symbol]++;
            groups.Add((first + second, joined));
        }
        return lengths;
    }
}
