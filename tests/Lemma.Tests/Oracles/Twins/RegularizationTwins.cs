using Lemma.Formulas;
using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Regularization.</summary>
internal static class RegularizationTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["clip_grad_norm"] = ClipNorm,
        ["dropout"] = x => Map(x["x"], Dropped(x), (value, dropped) => dropped == 1 ? 0
            : x.Flag("training", true) ? value / (1 - x.Number("p")) : value),
        ["dropout_plain"] = x => Map(x["x"], Dropped(x), (value, dropped) => dropped == 1 ? 0
            : x.Flag("training", true) ? value : value * (1 - x.Number("p"))),
        ["l1"] = x => [x.Number("lambda_") * Sum(Map(x["w"], Math.Abs))],
        ["l2"] = x => [x.Number("lambda_") / 2 * Sum(Map(x["w"], w => w * w))],
        ["label_smoothing"] = x => Map(x["target"],
            y => (1 - x.Number("epsilon", 0.1)) * y + x.Number("epsilon", 0.1) / x.Columns("target")),
        ["residual"] = x => Map(x["x"], x["f"], (value, f) => value + f),
        ["scaled_residual"] = x => Map(x["x"], x["f"], (value, f) => value + x.Number("multiplier") * f),
        ["weight_decay"] = x => Map(x["parameter"], w => (1 - x.Number("learning_rate") * x.Number("weight_decay")) * w),
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

    // 1 for an element that is dropped. Which ones are dropped is the generator's to say, so it is asked: two elements a word of 32 bits,
    // the first 16 bits of each; 16 further bits, drawn far from these, follow them.
    private static double[] Dropped(TwinInput x)
    {
        Philox generator = new((ulong)x.Whole("seed", 1));
        double[] dropped = new double[x["x"].Length];
        for (int i = 0; i < dropped.Length && x.Flag("training", true); i++)
        {
            ulong counter = (ulong)(i / 128 * 16 + i % 16);
            uint bits = Half(generator.Bits(counter), i % 128) << 16 | Half(generator.Bits(counter | 1UL << 63), i % 128);
            dropped[i] = bits < (float)x.Number("p") * 4294967296.0 ? 1 : 0;
        }
        return dropped;
    }

    // The places of a block in order: sixteen for the low halves of the word A of sixteen counters, sixteen for the high halves, then B, C, D.
    private static uint Half((uint A, uint B, uint C, uint D) words, int place)
    {
        uint word = (place / 32) switch { 0 => words.A, 1 => words.B, 2 => words.C, _ => words.D };
        return place % 32 < 16 ? word % 65536 : word / 65536;
    }
}
