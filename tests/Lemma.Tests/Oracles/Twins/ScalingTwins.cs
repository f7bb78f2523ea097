using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Scaling.</summary>
internal static class ScalingTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["scaling_law"] = x => Map(x["parameters"], x["tokens"], (n, d) => E(x) + A(x) / Math.Pow(n * 1e9, Alpha(x)) + B(x) / Math.Pow(d * 1e9, Beta(x))),
        ["compute_optimal"] = x => Map(x["compute"], c => Least(x, c * 1e18) / 1e9),
        ["repeated_tokens"] = x => Map(x["tokens"], d => Worth(d, x.Number("unique"), x.Number("decay", 15.387756))),
    };

    private static double E(TwinInput x) => x.Number("irreducible", 1.8172);

    private static double A(TwinInput x) => x.Number("parameter_scale", 482.01);

    private static double B(TwinInput x) => x.Number("token_scale", 2085.43);

    private static double Alpha(TwinInput x) => x.Number("parameter_exponent", 0.3478);

    private static double Beta(TwinInput x) => x.Number("token_exponent", 0.3658);

    // Where the slope over ln N of A/N^α + B·(6N/C)^β changes its sign, by halving.
    private static double Least(TwinInput x, double compute)
    {
        (double low, double high) = (-100, 200);
        for (int turn = 0; turn < 200; turn++)
        {
            double n = (low + high) / 2;
            double falls = Math.Log(Alpha(x) * A(x)) - Alpha(x) * n, rises = Math.Log(Beta(x) * B(x)) + Beta(x) * (n - Math.Log(compute / 6));
            (low, high) = falls > rises ? (n, high) : (low, n);
        }
        return Math.Exp((low + high) / 2);
    }

    private static double Worth(double tokens, double unique, double decay)
    {
        if (tokens <= unique)
            return tokens;
        double repetitions = tokens / unique - 1;
        return unique + unique * decay * (1 - Math.Exp(-repetitions / decay));
    }
}
