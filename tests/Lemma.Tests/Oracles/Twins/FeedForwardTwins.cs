using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of linear maps, feed-forward layers and experts.</summary>
internal static class FeedForwardTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["clamped_gate"] = x =>
        {
            double limit = x.Number("limit", 7), alpha = x.Number("alpha", 1.702);
            return [.. x["a"].Zip(x["b"], (a, b) =>
            {
                double gate = Math.Min(a, limit);
                return (Math.Clamp(b, -limit, limit) + 1) * gate / (1 + Math.Exp(-alpha * gate));
            })];
        },
        ["embedding"] = Embedding,
        ["per_layer_embedding"] = x =>
        {
            double width = x.Number("width", x.Columns("weight"));
            return Map(x["p"], Embedding(x), (projected, token) => (projected + Math.Sqrt(width) * token) / Math.Sqrt(2));
        },
        ["dora"] = Turned,
        ["linear"] = x => Affine(x["x"], x["weight"], x.Has("bias") ? x["bias"] : null, x.Columns("x"), x.Columns("weight")),
        ["ffn"] = FeedForward,
        ["ffn_glu"] = x => Gated(x["x"], x["w1"], x["w2"], x["w3"], x.Columns("x"), x.Columns("w1"), x.Word("activation", "silu")),
        ["glu"] = x => Map(Affine(x["x"], x["w"], x["b"], x.Columns("x"), x.Columns("w")),
            Affine(x["x"], x["v"], x["c"], x.Columns("x"), x.Columns("w")), (a, gate) => a * Sigmoid(gate)),
        ["moe_route"] = x => Gates(x, x["logits"], x.Columns("logits")),
        ["moe"] = Experts,
        ["moe_balance_loss"] = BalanceLoss,
        ["router_z_loss"] = x => [LossTwins.Mean(MapRows(x["logits"], x.Columns("logits"), row => [Math.Pow(LogSumExp(row), 2)]))],
        ["router_bias_step"] = BiasStep,
        ["expert_capacity"] = Capacity,
    };

    private static double[] Embedding(TwinInput x)
    {
        int d = x.Columns("weight");
        double[] y = new double[x["ids"].Length * d];
        for (int i = 0; i < y.Length; i++)
            y[i] = x["weight"][(int)x["ids"][i / d] * d + i % d];
        return y;
    }

    private static double[] Affine(double[] x, double[] weight, double[]? bias, int inputs, int outputs)
    {
        double[] y = Product(x, weight, inputs, outputs);
        for (int i = 0; i < y.Length && bias is not null; i++)
            y[i] += bias[i % outputs];
        return y;
    }

    private static double[] FeedForward(TwinInput x)
    {
        int d = x.Columns("x"), wide = x.Columns("w1");
        double[] hidden = Map(Affine(x["x"], x["w1"], x["b1"], d, wide), u => Activation(x.Word("activation", "gelu"), u));
        return Affine(hidden, x["w2"], x["b2"], wide, d);
    }

    private static double[] Gated(double[] x, double[] w1, double[] w2, double[] w3, int d, int wide, string activation) =>
        Product(Map(Product(x, w1, d, wide), Product(x, w2, d, wide), (u, b) => Activation(activation, u) * b), w3, wide, d);

    private static double[] Gates(TwinInput x, double[] logits, int experts)
    {
        int k = x.Whole("top_k"), groups = x.Whole("groups", 1), size = experts / groups;
        double[] bias = x.Numbers("selection_bias");
        return MapRows(logits, experts, row =>
        {
            double[] scores = x.Word("score", "softmax") == "softmax" ? Softmax(row) : Map(row, Sigmoid);
            double[] keys = bias.Length == 0 ? scores : Map(scores, bias, (score, b) => score + b);
            // A group counts by its two best experts.
            List<int> allowed = [.. Enumerable.Range(0, groups)
                .OrderByDescending(g => keys[(g * size)..((g + 1) * size)].OrderDescending().Take(2).Sum())
                .Take(groups == 1 ? 1 : x.Whole("group_limit", 1))];
            List<int> picked = [.. Enumerable.Range(0, experts).Where(e => allowed.Contains(e / size))
                .OrderByDescending(e => keys[e]).Take(k)];
            double total = x.Flag("renormalize", true) ? picked.Sum(e => scores[e]) : 1;
            double[] gates = new double[experts];
            foreach (int e in picked)
                gates[e] = x.Number("scale", 1) * scores[e] / total;
            return gates;
        });
    }

    private static double[] Experts(TwinInput x)
    {
        int tokens = x.Size("x", 0), d = x.Columns("x"), experts = x.Columns("router"), all = x.Size("w1", 0), wide = x.Columns("w1");
        double[] gates = Gates(x, Product(x["x"], x["router"], d, experts), experts), y = new double[tokens * d];
        for (int e = 0; e < all; e++)
        {
            Range weights = (e * d * wide)..((e + 1) * d * wide);
            double[] output = Gated(x["x"], x["w1"][weights], x["w2"][weights], x["w3"][weights], d, wide, "silu");
            for (int i = 0; i < y.Length; i++)
            {
                double gate = e < experts ? gates[i / d * experts + e] : 1;
                y[i] += gate == 0 ? 0 : gate * output[i];
            }
        }
        return y;
    }

    // W'_i = m_i·V_i/‖V_i‖ with lengths that are held.
    private static double[] Turned(TwinInput x)
    {
        int columns = x.Columns("weight"), rank = x.Columns("b");
        double[] Rows(Func<string, double[]> of) => [.. of("weight").Select((w, at) => w + x.Number("scale", 1)
            * Enumerable.Range(0, rank).Sum(k => of("b")[at / columns * rank + k] * of("a")[k * columns + at % columns]))];
        double[] held = Rows(x.Held), norms = [.. held.Chunk(columns).Select(row => Math.Sqrt(row.Sum(v => v * v)))];
        return [.. Rows(name => x[name]).Select((v, at) => x["magnitude"][at / columns] / norms[at / columns] * v)];
    }

    private static double[] BalanceLoss(TwinInput x)
    {
        int tokens = x.Size("logits", 0), experts = x.Size("logits", 1), k = x.Whole("top_k");
        double[] assigned = new double[experts], probability = new double[experts];
        for (int t = 0; t < tokens; t++)
        {
            double[] p = Softmax(x["logits"].AsSpan(t * experts, experts));
            foreach (int e in Enumerable.Range(0, experts).OrderByDescending(e => p[e]).Take(k))
                assigned[e] += 1.0 / (tokens * k);
            for (int e = 0; e < experts; e++)
                probability[e] += p[e] / tokens;
        }
        return [experts * RegularizationTwins.Sum(Map(assigned, probability, (f, p) => f * p))];
    }

    private static double[] BiasStep(TwinInput x)
    {
        double mean = LossTwins.Mean(x["loads"]);
        return Map(x["bias"], x["loads"], (bias, load) => bias + x.Number("gamma", 0.001) * Sign(mean - load));
    }

    private static double[] Capacity(TwinInput x)
    {
        int tokens = x.Size("gates", 0), experts = x.Size("gates", 1);
        double capacity = Math.Ceiling(x.Number("factor", 1.25) * x.Whole("top_k") * tokens / experts);
        double[] y = [.. x["gates"]];
        for (int e = 0; e < experts; e++)
        {
            int taken = 0;
            for (int t = 0; t < tokens; t++)
            {
                if (y[t * experts + e] != 0 && ++taken > capacity)
                    y[t * experts + e] = 0;
            }
        }
        return y;
    }
}
