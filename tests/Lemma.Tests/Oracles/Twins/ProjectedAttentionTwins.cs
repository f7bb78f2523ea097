using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the attention that has weights: multi-head and its kin, and the latent form.</summary>
internal static class ProjectedAttentionTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["multi_head_attention"] = x => MultiHead(x, "x", x.Whole("kv_heads", x.Whole("heads"))),
        ["multi_query_attention"] = x => MultiHead(x, "x", 1),
        ["grouped_query_attention"] = x => MultiHead(x, "x", x.Whole("kv_heads")),
        ["cross_attention"] = x => MultiHead(x, "memory", x.Whole("kv_heads", x.Whole("heads"))),
        ["multi_head_latent_attention"] = Latent,
    };

    // Rows [b, T, H·d_h] as heads [b, H, T, d_h].
    private static double[] Split(double[] rows, int batch, int heads, int width)
    {
        int length = rows.Length / (batch * heads * width);
        double[] split = new double[rows.Length];
        for (int b = 0; b < batch; b++)
        {
            for (int t = 0; t < length; t++)
            {
                for (int n = 0; n < heads * width; n++)
                    split[((b * heads + n / width) * length + t) * width + n % width] = rows[(b * length + t) * heads * width + n];
            }
        }
        return split;
    }

    private static double[] Join(double[] split, int batch, int heads, int width)
    {
        int length = split.Length / (batch * heads * width);
        double[] rows = new double[split.Length];
        for (int b = 0; b < batch; b++)
        {
            for (int t = 0; t < length; t++)
            {
                for (int n = 0; n < heads * width; n++)
                    rows[(b * length + t) * heads * width + n] = split[((b * heads + n / width) * length + t) * width + n % width];
            }
        }
        return rows;
    }

    private static double[] MultiHead(TwinInput x, string other, int keyValue)
    {
        int batch = x.Size("x", 0), d = x.Columns("x"), heads = x.Whole("heads"), width = x.Columns("wq") / heads;
        AttentionTwins.Heads n = new(batch, heads, keyValue, x.Size("x", 1), x.Size(other, 1), width, width);
        double[] q = Split(Product(x["x"], x["wq"], d, heads * width), batch, heads, width);
        double[] k = Split(Product(x[other], x["wk"], d, keyValue * width), batch, keyValue, width);
        double[] v = Split(Product(x[other], x["wv"], d, keyValue * width), batch, keyValue, width);
        bool causal = x.Word("mask", "none") == "causal";
        double[] y = AttentionTwins.Attend(n, v, (b, h, i, j) => causal && j > n.Before + i
            ? double.NegativeInfinity : AttentionTwins.Dot(n, q, k, b, h, i, j));
        return Product(Join(y, batch, heads, width), x["wo"], heads * width, d);
    }

    // The naive form, whatever form is asked for: both are equal.
    private static double[] Latent(TwinInput x)
    {
        int length = x.Size("x", 0), d = x.Columns("x"), heads = x.Whole("heads"), rank = x.Columns("wc"), rotary = x.Columns("wr");
        int plain = x.Columns("u") / heads, width = plain + rotary;
        double[] queries = Product(x["x"], x["wq"], d, heads * width), latent = Product(x["x"], x["wc"], d, rank);
        double[] keys = Product(latent, x["u"], rank, heads * plain), values = Product(latent, x["v"], rank, heads * plain);
        double[] rotaryKeys = Product(x["x"], x["wr"], d, rotary), q = new double[heads * length * width], k = new double[q.Length];
        for (int h = 0; h < heads; h++)
        {
            for (int t = 0; t < length; t++)
            {
                double[] angles = PositionTwins.Angles(t, rotary, x.Number("theta", 10000));
                int at = (h * length + t) * width, from = t * heads * width + h * width;
                for (int e = 0; e < plain; e++)
                    (q[at + e], k[at + e]) = (queries[from + e], keys[t * heads * plain + h * plain + e]);
                PositionTwins.Turn(queries[(from + plain)..(from + width)], angles, interleaved: true).CopyTo(q, at + plain);
                PositionTwins.Turn(rotaryKeys[(t * rotary)..((t + 1) * rotary)], angles, interleaved: true).CopyTo(k, at + plain);
            }
        }
        AttentionTwins.Heads n = new(1, heads, heads, length, length, width, plain);
        double[] y = AttentionTwins.Attend(n, Split(values, 1, heads, plain), (b, h, i, j) => j > i ? double.NegativeInfinity
            : AttentionTwins.Dot(n, q, k, b, h, i, j));
        return Product(Join(y, 1, heads, plain), x["wo"], heads * plain, d);
    }
}
