using Lemma.Formulas;
using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Regularization.</summary>
internal static class RegularizationTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["clip_grad_norm"] = ClipNorm,
        ["dropout"] = x => Map(x["x"], Kept(x), (value, kept) => x.Flag("training", true) ? value * kept / (1 - x.Number("p")) : value),
        ["dropout_plain"] = x => Map(x["x"], Kept(x), (value, kept) => value * (x.Flag("training", true) ? kept : 1 - x.Number("p"))),
        ["l1"] = x => [x.Number("lambda_") * Sum(Map(x["w"], Math.Abs))],
        ["l2"] = x => [x.Number("lambda_") / 2 * Sum(Map(x["w"], w => w * w))],
        ["label_smoothing"] = x => Map(x["target"],
            y => (1 - x.Number("epsilon", 0.1)) * y + x.Number("epsilon", 0.1) / x.Columns("target")),
        ["residual"] = x => Map(x["x"], x["f"], (value, f) => value + f),
        ["weight_decay"] = x => Map(x["parameter"], w => w - x.Number("learning_rate") * x.Number("weight_decay") * w),
    };

    public static double Sum(double[] x)
    {
        double sum = 0;
        foreach (double value in x)
            sum += value;
        return sum;
    }

    private static double[] ClipNorm(TwinInput x)
    {
        double norm = Math.Sqrt(Sum(Map(x["g"], g => g * g))), largest = x.Number("max_norm");
        return Map(x["g"], g => norm > largest ? g * largest / norm : g);
    }

    // 0 or 1 an element. Which ones are dropped is the generator's to say, so it is asked: four elements a draw of 32 bits each.
    private static double[] Kept(TwinInput x)
    {
        Philox generator = new((ulong)x.Whole("seed", 1));
        double[] kept = new double[x["x"].Length];
        for (int i = 0; i < kept.Length; i++)
        {
            (uint a, uint b, uint c, uint d) = generator.Bits((ulong)i / 4);
            uint bits = (i % 4) switch { 0 => a, 1 => b, 2 => c, _ => d };
            kept[i] = bits < (float)x.Number("p") * 4294967296.0 ? 0 : 1;
        }
        return kept;
    }
}
