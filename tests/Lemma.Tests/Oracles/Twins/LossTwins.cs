using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Losses.</summary>
internal static class LossTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["binary_cross_entropy"] = BinaryCrossEntropy,
        ["binary_cross_entropy_with_logits"] = BinaryCrossEntropyWithLogits,
        ["categorical_cross_entropy"] = CategoricalCrossEntropy,
        ["causal_lm_nll"] = CausalLanguageModel,
        ["cosent"] = CosineOrder,
        ["cross_entropy"] = x => [CrossEntropy(x, x["logits"], x.Columns("logits"), x["target"])],
        ["in_batch_contrast"] = InBatchContrast,
        ["linear_cross_entropy"] = x => [CrossEntropy(x, Product(x["x"], x["weight"], x.Columns("x"), x.Columns("weight")),
            x.Columns("weight"), x["target"])],
        ["masked_lm"] = x => [CrossEntropy(x, x["logits"], x.Columns("logits"), x["target"])],
        ["mse"] = x => [Mean(Map(x["prediction"], x["target"], (prediction, target) => (target - prediction) * (target - prediction)))],
        ["next_sentence"] = x => [CrossEntropy(x, x["logits"], 2, x["target"])],
        ["perplexity"] = x => [Math.Exp(CrossEntropy(x, x["logits"], x.Columns("logits"), x["target"]))],
    };

    public static double Mean(double[] x)
    {
        double sum = 0;
        foreach (double value in x)
            sum += value;
        return x.Length == 0 ? 0 : sum / x.Length;
    }

    private static double[] BinaryCrossEntropy(TwinInput x) => [Mean(Map(x["prediction"], x["target"], (prediction, target) =>
    {
        // The formula says that it keeps ŷ this far from 0 and 1.
        double p = Math.Clamp(prediction, 1e-7, 1 - 1e-7);
        return -(target * Math.Log(p) + (1 - target) * Math.Log(1 - p));
    }))];

    private static double[] BinaryCrossEntropyWithLogits(TwinInput x) => [Mean(Map(x["logits"], x["target"],
        (z, target) => (target == 0 ? 0 : target * MinusLogSigmoid(z)) + (target == 1 ? 0 : (1 - target) * MinusLogSigmoid(-z))))];

    private static double[] CategoricalCrossEntropy(TwinInput x)
    {
        double sum = 0;
        for (int i = 0; i < x["target"].Length; i++)
            sum -= x["target"][i] * Math.Log(Math.Max(x["probabilities"][i], 1e-30));
        return [sum / x.Size("target", 0)];
    }

    private static double[] CausalLanguageModel(TwinInput x)
    {
        int batch = x.Size("ids", 0), length = x.Size("ids", 1), classes = x.Columns("logits");
        double sum = 0;
        for (int b = 0; b < batch; b++)
        {
            for (int t = 0; t + 1 < length; t++)
            {
                double[] logs = LogSoftmax(x["logits"][((b * length + t) * classes)..((b * length + t + 1) * classes)]);
                sum -= logs[(int)x["ids"][b * length + t + 1]];
            }
        }
        return [x.Word("reduction", "mean") == "sum" || length == 1 ? sum : sum / (batch * (length - 1))];
    }

    private static double[] CosineOrder(TwinInput x)
    {
        int n = x.Size("first", 0);
        double sum = 1;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                if (x["scores"][i] > x["scores"][j])
                    sum += Math.Exp(x.Number("scale", 20) * (Cosine(x, j, j) - Cosine(x, i, i)));
            }
        }
        return [Math.Log(sum)];
    }

    private static double[] InBatchContrast(TwinInput x)
    {
        int n = x.Size("first", 0);
        double[] cosines = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
                cosines[i * n + j] = x.Number("scale", 20) * Cosine(x, i, j);
        }
        return [CrossEntropy(x, cosines, n, [.. Enumerable.Range(0, n).Select(i => (double)i)])];
    }

    // Of row i of the first and row j of the second.
    private static double Cosine(TwinInput x, int i, int j)
    {
        int d = x.Columns("first");
        double product = 0, first = 0, second = 0;
        for (int column = 0; column < d; column++)
        {
            double a = x["first"][i * d + column], b = x["second"][j * d + column];
            product += a * b;
            first += a * a;
            second += b * b;
        }
        return first == 0 || second == 0 ? 0 : product / (Math.Sqrt(first) * Math.Sqrt(second));
    }

    // −(1 − ε)·w_t·ln p_t − (ε/V)·Σ w_c·ln p_c over Σ w_t, rows with the ignored target left out.
    private static double CrossEntropy(TwinInput x, double[] logits, int classes, double[] targets)
    {
        double smoothing = x.Number("label_smoothing", 0), sum = 0, divisor = 0;
        for (int row = 0; row < targets.Length; row++)
        {
            if (targets[row] == x.Number("ignore_index", -100))
                continue;
            double[] logs = LogSoftmax(logits[(row * classes)..((row + 1) * classes)]);
            double Weight(int c) => x.Has("class_weights") ? x["class_weights"][c] : 1;
            int target = (int)targets[row];
            sum -= (1 - smoothing) * Weight(target) * logs[target];
            for (int c = 0; c < classes && smoothing > 0; c++)
                sum -= smoothing / classes * Weight(c) * logs[c];
            divisor += Weight(target);
        }
        return divisor == 0 ? 0 : x.Word("reduction", "mean") == "sum" ? sum : sum / divisor;
    }
}
