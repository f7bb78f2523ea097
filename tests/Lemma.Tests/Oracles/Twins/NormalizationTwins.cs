using static Lemma.Tests.Oracles.Twins.LossTwins;
using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Normalization.</summary>
internal static class NormalizationTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["batch_norm"] = BatchNorm,
        ["layer_norm"] = LayerNorm,
        ["rms_norm"] = x => x.Flag("epsilon_inside_root", true) ? RmsNorm(x["x"], x["weight"], x.Number("epsilon", 1e-6)) : Outside(x),
        ["pre_norm"] = x => Map(x["x"], Product(RmsNorm(x["x"], x["gain"], x.Number("epsilon", 1e-5)), x["weight"], x.Columns("x"),
            x.Columns("x")), (value, branch) => value + branch),
        ["post_norm"] = x => RmsNorm(Map(x["x"], Product(x["x"], x["weight"], x.Columns("x"), x.Columns("x")),
            (value, branch) => value + branch), x["gain"], x.Number("epsilon", 1e-5)),
        ["qk_norm"] = QueryKeyNorm,
    };

    private static double[] LayerNorm(TwinInput x) => MapRows(x["x"], x.Columns("x"), row =>
    {
        double mean = Mean(row), variance = Mean(Map(row, value => (value - mean) * (value - mean)));
        double[] normal = Map(row, value => (value - mean) / Math.Sqrt(variance + x.Number("epsilon", 1e-5)));
        return Map(Map(normal, x["weight"], (n, weight) => n * weight), x["bias"], (n, bias) => n + bias);
    });

    private static double[] Outside(TwinInput x) => MapRows(x["x"], x.Columns("x"), row =>
    {
        double root = Math.Sqrt(Mean(Map(row, value => value * value)));
        return Map(row, x["weight"], (value, weight) => value / (root + x.Number("epsilon", 1e-6)) * weight);
    });

    private static double[] QueryKeyNorm(TwinInput x)
    {
        int d = x.Columns("q"), queries = x.Size("q", 0), keys = x.Size("k", 0);
        double[] q = RmsNorm(x["q"], x["query_gain"], x.Number("epsilon", 1e-6));
        double[] k = RmsNorm(x["k"], x["key_gain"], x.Number("epsilon", 1e-6)), scores = new double[queries * keys];
        for (int i = 0; i < queries; i++)
        {
            for (int j = 0; j < keys; j++)
            {
                for (int n = 0; n < d; n++)
                    scores[i * keys + j] += q[i * d + n] * k[j * d + n] / Math.Sqrt(d);
            }
        }
        return scores;
    }

    private static double[] BatchNorm(TwinInput x)
    {
        int rows = x.Size("x", 0), d = x.Size("x", 1);
        double[] y = new double[rows * d];
        bool Counts(int row) => !x.Has("mask") || x["mask"][row] != 0;
        for (int column = 0; column < d; column++)
        {
            List<double> values = [];
            for (int row = 0; row < rows; row++)
            {
                if (Counts(row))
                    values.Add(x["x"][row * d + column]);
            }
            double mean = Mean([.. values]), variance = Mean([.. values.Select(value => (value - mean) * (value - mean))]);
            if (!x.Flag("training", true))
                (mean, variance) = (x["running_mean"][column], x["running_variance"][column]);
            for (int row = 0; row < rows; row++)
            {
                y[row * d + column] = !Counts(row) ? 0 : (x["x"][row * d + column] - mean)
                    / Math.Sqrt(variance + x.Number("epsilon", 1e-5)) * x["weight"][column] + x["bias"][column];
            }
        }
        return y;
    }
}
