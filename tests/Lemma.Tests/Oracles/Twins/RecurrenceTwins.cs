namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Recurrence.</summary>
internal static class RecurrenceTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["short_convolution"] = Convolution,
        ["log_decay"] = Decay,
        ["gated_delta_rule"] = Delta,
    };

    private static double[] Convolution(TwinInput x)
    {
        (int batch, int length, int d, int kernel) = (x.Size("x", 0), x.Size("x", 1), x.Size("x", 2), x.Size("w", 1));
        double[] y = new double[batch * length * d];
        for (int i = 0; i < y.Length; i++)
        {
            (int b, int t, int c) = (i / (length * d), i / d % length, i % d);
            y[i] = x.Has("bias") ? x["bias"][c] : 0;
            for (int back = 0; back < kernel && back <= t; back++)
                y[i] += x["w"][c * kernel + kernel - 1 - back] * x["x"][(b * length + t - back) * d + c];
        }
        return y;
    }

    private static double[] Decay(TwinInput x) => [.. x["a"].Select((a, i) =>
    {
        int head = i % x.Columns("a");
        double sum = a + x["bias"][head], e = Math.Exp(-Math.Abs(sum)), one = 1 + e;
        // ln(1 + e), also where 1 + e is rounded.
        double above = one == 1 ? e : Math.Log(one) * (e / (one - 1));
        return -Math.Exp(x["rate"][head]) * (Math.Max(sum, 0) + above);
    })];

    private static double[] Delta(TwinInput x)
    {
        (int batch, int keyHeads, int length, int d) = (x.Size("q", 0), x.Size("q", 1), x.Size("q", 2), x.Size("q", 3));
        (int heads, int width) = (x.Size("v", 1), x.Size("v", 3));
        double[] y = new double[batch * heads * length * width];
        for (int head = 0; head < batch * heads; head++)
        {
            double[,] state = new double[d, width];
            for (int t = 0; t < length; t++)
            {
                int at = head * length + t, key = ((head / heads * keyHeads + head % heads / (heads / keyHeads)) * length + t) * d;
                for (int e = 0; e < width; e++)
                {
                    double found = 0;
                    for (int i = 0; i < d; i++)
                    {
                        state[i, e] *= Math.Exp(x["decay"][at]);
                        found += state[i, e] * x["k"][key + i];
                    }
                    for (int i = 0; i < d; i++)
                    {
                        state[i, e] += x["k"][key + i] * x["beta"][at] * (x["v"][at * width + e] - found);
                        y[at * width + e] += state[i, e] * x["q"][key + i] / Math.Sqrt(d);
                    }
                }
            }
        }
        return y;
    }
}
