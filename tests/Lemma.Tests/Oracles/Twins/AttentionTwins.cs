using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Attention over q, k and v of heads; <see cref="ProjectedAttentionTwins"/> has those with weights.</summary>
internal static class AttentionTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["attention"] = Masked,
        ["kv_cache"] = x => Attend(x, (_, _, i, j) => j <= i),
        ["adaptive_span"] = AdaptiveSpan,
        ["block_sparse_attention"] = BlockSparse,
        ["multi_scale_window_attention"] = MultiScaleWindow,
        ["dual_chunk_attention"] = DualChunk,
        ["linear_attention"] = Linear,
        ["efficient_attention"] = Efficient,
    };

    /// <summary>q [b, H, T, d], k [b, H_kv, S, d], v [b, H_kv, S, d_v].</summary>
    public sealed record Heads(int Batch, int Count, int KeyValue, int Queries, int Keys, int Width, int ValueWidth)
    {
        public Heads(TwinInput x) : this(x.Size("q", 0), x.Size("q", 1), x.Size("k", 1), x.Size("q", 2), x.Size("k", 2), x.Size("q", 3),
            x.Size("v", 3))
        {
        }

        /// <summary>Queries are the last of the keys' positions: what lies before the first.</summary>
        public int Before => Keys - Queries;

        public int Query(int b, int h, int i) => ((b * Count + h) * Queries + i) * Width;

        public int Key(int b, int h, int j) => ((b * KeyValue + h / (Count / KeyValue)) * Keys + j) * Width;

        public int Value(int b, int h, int j) => ((b * KeyValue + h / (Count / KeyValue)) * Keys + j) * ValueWidth;
    }

    /// <summary>y = softmax(s)·V for the scores of all keys; −∞ hides a key, and a row with nothing allowed gives 0.</summary>
    public static double[] Attend(Heads n, double[] v, Func<int, int, int, int, double> score)
    {
        double[] y = new double[n.Batch * n.Count * n.Queries * n.ValueWidth], scores = new double[n.Keys];
        for (int row = 0; row < n.Batch * n.Count * n.Queries; row++)
        {
            int b = row / n.Queries / n.Count, h = row / n.Queries % n.Count, i = row % n.Queries;
            for (int j = 0; j < n.Keys; j++)
                scores[j] = score(b, h, i, j);
            double[] weights = Softmax(scores);
            for (int j = 0; j < n.Keys; j++)
            {
                for (int e = 0; e < n.ValueWidth && !double.IsNegativeInfinity(scores[j]); e++)
                    y[row * n.ValueWidth + e] += weights[j] * v[n.Value(b, h, j) + e];
            }
        }
        return y;
    }

    /// <summary>q_i·k_j/√d.</summary>
    public static double Dot(Heads n, double[] q, double[] k, int b, int h, int i, int j)
    {
        double sum = 0;
        for (int e = 0; e < n.Width; e++)
            sum += q[n.Query(b, h, i) + e] * k[n.Key(b, h, j) + e];
        return sum / Math.Sqrt(n.Width);
    }

    /// <summary>The same scores capped, and a sink's logit in the sum of each row.</summary>
    private static double[] Attend(TwinInput x, Func<int, int, int, int, bool> seen, Func<int, int, int, double> addend, double cap, double[]? sinks)
    {
        Heads n = new(x);
        // A sink is one more key, whose value is 0.
        Heads wide = n with { Keys = n.Keys + 1 };
        double[] q = x["q"], k = x["k"], v = [.. x["v"].Chunk(n.Keys * n.ValueWidth).SelectMany(head => head.Concat(new double[n.ValueWidth]))];
        return Attend(wide, v, (b, h, i, j) =>
        {
            if (j == n.Keys)
                return sinks?[h] ?? double.NegativeInfinity;
            double score = seen(b, h, i, j) ? Dot(n, q, k, b, h, i, j) : double.NegativeInfinity;
            return (cap == 0 || double.IsInfinity(score) ? score : cap * Math.Tanh(score / cap)) + addend(h, i, j);
        });
    }

    // Attention with a mask and, if there is one, an addend to the scores.
    private static double[] Attend(TwinInput x, Func<int, int, int, int, bool> seen, Func<int, int, int, double>? addend = null)
    {
        Heads n = new(x);
        double[] q = x["q"], k = x["k"];
        return Attend(n, x["v"], (b, h, i, j) => !seen(b, h, i, j) ? double.NegativeInfinity
            : Dot(n, q, k, b, h, i, j) + (addend is null ? 0 : addend(h, i, j)));
    }

    private static double[] Masked(TwinInput x)
    {
        Heads n = new(x);
        int window = x.Whole("window", 0), prefix = x.Whole("prefix", 0);
        double[] lengths = x.Numbers("lengths");
        Func<int, int, int, int, bool> seen = x.Word("mask", "none") switch
        {
            "causal" => (_, _, i, j) => j <= n.Before + i,
            "sliding_window" => (_, _, i, j) => j <= n.Before + i && n.Before + i - j < window,
            "prefix" => (_, _, i, j) => j <= n.Before + i || j < prefix,
            "padding" => (b, _, _, j) => j < lengths[b],
            _ => (_, _, _, _) => true,
        };
        Func<int, int, int, double> bias = x.Word("bias", "none") switch
        {
            "alibi" => (h, i, j) => -PositionTwins.Slope(h, n.Count) * (n.Before + i - j),
            "relative_buckets" => (h, i, j) => x["buckets"][n.Count * PositionTwins.Bucket(j - n.Before - i, x.Size("buckets", 0),
                x.Whole("largest_distance", 128), x.Flag("bidirectional", true)) + h],
            _ => (_, _, _) => 0,
        };
        double cap = x.Number("cap", 0);
        return cap == 0 && !x.Has("sinks") ? Attend(x, seen, bias) : Attend(x, seen, bias, cap, x.Has("sinks") ? x["sinks"] : null);
    }

    private static double[] AdaptiveSpan(TwinInput x)
    {
        int before = new Heads(x).Before;
        double ramp = x.Number("ramp", 32);
        double[] span = x["span"];
        double Mask(int h, int i, int j) => j > before + i ? 0 : Math.Clamp((span[h] + ramp - (before + i - j)) / ramp, 0, 1);
        // m·e^s = e^(s + ln m).
        return Attend(x, (_, h, i, j) => Mask(h, i, j) != 0, (h, i, j) => Math.Log(Mask(h, i, j)));
    }

    private static double[] MultiScaleWindow(TwinInput x)
    {
        int before = new Heads(x).Before;
        double[] windows = x.Numbers("windows");
        return Attend(x, (_, h, i, j) => j <= before + i && (windows[h] == 0 || before + i - j < windows[h]));
    }

    private static double[] BlockSparse(TwinInput x)
    {
        Heads n = new(x);
        int block = x.Whole("block", 64), blocks = (n.Keys + block - 1) / block, stride = x.Whole("stride", 0);
        HashSet<(int, int)> random = [];
        for (int row = 0; row < blocks; row++)
        {
            // Which blocks are random is the generator's to say, so it is asked.
            Lemma.Formulas.Philox generator = new((ulong)x.Whole("seed", 1), (ulong)row);
            for (int draw = 0; draw < x.Whole("random", 1); draw++)
                random.Add((row, generator.Below(x.Flag("causal", true) ? row + 1 : blocks, (ulong)draw)));
        }
        int local = x.Whole("local", 1), global = x.Whole("global", 1);
        bool causal = x.Flag("causal", true);
        return Attend(x, (_, _, i, j) =>
        {
            int row = (n.Before + i) / block, column = j / block;
            bool seen = Math.Abs(row - column) <= local || row < global || column < global || (stride > 0 && (column + 1) % stride == 0)
                || random.Contains((row, column));
            return seen && (!causal || j <= n.Before + i);
        });
    }

    private static double[] DualChunk(TwinInput x)
    {
        Heads n = new(x);
        int chunk = x.Whole("chunk"), trained = x.Whole("trained_length");
        double theta = x.Number("theta", 10000);
        double[] Turned(string name, int length, Func<int, int> position)
        {
            int row = 0;
            return MapRows(x[name], n.Width, values => PositionTwins.Turn(values,
                PositionTwins.Angles(position(row++ % length), n.Width, theta), interleaved: false));
        }
        double[] keys = Turned("k", n.Keys, j => j % chunk);
        double[][] queries =
        [
            Turned("q", n.Queries, i => i % chunk),
            Turned("q", n.Queries, i => Math.Min(i % chunk + chunk, trained - 1)),
            Turned("q", n.Queries, _ => trained - 1),
        ];
        return Attend(n, x["v"], (b, h, i, j) => j > i ? double.NegativeInfinity
            : Dot(n, queries[Math.Min(2, i / chunk - j / chunk)], keys, b, h, i, j));
    }

    // The weights φ(q_i)·φ(k_j) over their sum, without any recurrence.
    private static double[] Linear(TwinInput x)
    {
        Heads n = new(x);
        double[] Features(double[] values) => Map(values, value => value > 0 ? value + 1 : Math.Exp(value));
        double[] q = Features(x["q"]), k = Features(x["k"]);
        bool causal = x.Flag("causal", true);
        double[] v = x["v"], y = new double[n.Batch * n.Count * n.Queries * n.ValueWidth];
        for (int row = 0; row < n.Batch * n.Count * n.Queries; row++)
        {
            int t = row % n.Queries, h = row / n.Queries % n.Count, b = row / n.Queries / n.Count;
            double total = 0;
            for (int j = 0; j < (causal ? t + 1 : n.Keys); j++)
            {
                double weight = Dot(n, q, k, b, h, t, j);
                total += weight;
                for (int e = 0; e < n.ValueWidth; e++)
                    y[row * n.ValueWidth + e] += weight * v[n.Value(b, h, j) + e];
            }
            for (int e = 0; e < n.ValueWidth; e++)
                y[row * n.ValueWidth + e] /= total;
        }
        return y;
    }

    private static double[] Efficient(TwinInput x)
    {
        Heads n = new(x);
        double[] q = MapRows(x["q"], n.Width, row => Softmax(row)), y = new double[n.Batch * n.Count * n.Queries * n.ValueWidth];
        for (int head = 0; head < n.Batch * n.Count; head++)
        {
            int first = head * n.Keys;
            double[] keys = Transpose(x["k"][(first * n.Width)..((first + n.Keys) * n.Width)], n.Keys, n.Width);
            double[] values = x["v"][(first * n.ValueWidth)..((first + n.Keys) * n.ValueWidth)];
            double[] context = Product(MapRows(keys, n.Keys, row => Softmax(row)), values, n.Keys, n.ValueWidth);
            double[] queries = q[(head * n.Queries * n.Width)..((head + 1) * n.Queries * n.Width)];
            Product(queries, context, n.Width, n.ValueWidth).CopyTo(y, head * n.Queries * n.ValueWidth);
        }
        return y;
    }
}
