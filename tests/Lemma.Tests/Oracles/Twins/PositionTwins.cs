namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Positions.</summary>
internal static class PositionTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["alibi"] = LinearBias,
        ["learned_positions"] = LearnedPositions,
        ["relative_buckets"] = RelativeBuckets,
        ["rope"] = Rope,
        ["sinusoidal_positions"] = SinusoidalPositions,
    };

    /// <summary>
    /// ALiBi's slope of head h of H, from 0: 2^(−8(h + 1)/H) for a power of two, else those of the power below, then every second one of
    /// the power above.
    /// </summary>
    public static double Slope(int head, int heads)
    {
        int power = 1;
        while (2 * power <= heads)
            power *= 2;
        return head < power ? Math.Pow(2, -8.0 * (head + 1) / power) : Math.Pow(2, -8.0 * (2 * (head - power) + 1) / (2 * power));
    }

    /// <summary>One row turned by the angles of its pairs.</summary>
    public static double[] Turn(double[] row, double[] angles, bool interleaved, double magnitude = 1)
    {
        double[] y = new double[row.Length];
        for (int i = 0; i < angles.Length; i++)
        {
            int first = interleaved ? 2 * i : i, second = interleaved ? 2 * i + 1 : i + angles.Length;
            (double sine, double cosine) = Math.SinCos(angles[i]);
            y[first] = (row[first] * cosine - row[second] * sine) * magnitude;
            y[second] = (row[second] * cosine + row[first] * sine) * magnitude;
        }
        return y;
    }

    /// <summary>m·θ^(−2i/d) of each pair.</summary>
    public static double[] Angles(double position, int width, double theta)
    {
        double[] angles = new double[width / 2];
        for (int i = 0; i < angles.Length; i++)
            angles[i] = position * Math.Pow(theta, -2.0 * i / width);
        return angles;
    }

    private static double[] LinearBias(TwinInput x)
    {
        int heads = x.Whole("heads"), queries = x.Whole("queries"), keys = x.Whole("keys", queries);
        double[] bias = new double[heads * queries * keys];
        for (int h = 0; h < heads; h++)
        {
            for (int i = 0; i < queries; i++)
            {
                for (int j = 0; j < keys; j++)
                    bias[(h * queries + i) * keys + j] = -Slope(h, heads) * (keys - queries + i - j);
            }
        }
        return bias;
    }

    private static double[] LearnedPositions(TwinInput x)
    {
        int length = x.Size("x", 1), d = x.Size("x", 2);
        double[] y = [.. x["x"]];
        for (int i = 0; i < y.Length; i++)
            y[i] += x["weight"][(x.Whole("start", 0) + i / d % length) * d + i % d];
        return y;
    }

    private static double[] RelativeBuckets(TwinInput x)
    {
        int heads = x.Columns("weight"), queries = x.Whole("queries"), keys = x.Whole("keys", queries);
        double[] bias = new double[heads * queries * keys];
        for (int h = 0; h < heads; h++)
        {
            for (int i = 0; i < queries; i++)
            {
                for (int j = 0; j < keys; j++)
                {
                    int bucket = Bucket(j - (i + keys - queries), x.Size("weight", 0), x.Whole("largest_distance", 128),
                        x.Flag("bidirectional", true));
                    bias[(h * queries + i) * keys + j] = x["weight"][bucket * heads + h];
                }
            }
        }
        return bias;
    }

    // T5: keys before the query, or to both sides with half of the buckets each; half of those exact, then by the logarithm in float32,
    // as T5's checkpoints were trained.
    public static int Bucket(int distance, int buckets, int largest, bool bothSides)
    {
        if (bothSides)
        {
            return distance > 0 ? buckets / 2 + Bucket(-distance, buckets / 2, largest, false)
                : Bucket(distance, buckets / 2, largest, false);
        }
        int back = Math.Max(0, -distance), exact = buckets / 2;
        if (back < exact)
            return back;
        float share = (float)Math.Log((double)back / exact) / (float)Math.Log((double)largest / exact);
        return Math.Min(buckets - 1, exact + (int)(share * (buckets - exact)));
    }

    private static double[] Rope(TwinInput x)
    {
        int width = x.Columns("x"), length = x.Size("x", -2), start = x.Whole("start", 0);
        double factor = x.Number("factor", x.Number("linear_scale", 1)), theta = x.Number("theta", 10000), magnitude = 1;
        string scaling = x.Word("scaling", factor == 1 ? "none" : "linear");
        double trained = x.Number("trained_length", 8192);
        if (scaling == "dynamic")
            factor = Math.Max(1, factor * (start + length) / trained - (factor - 1));
        if (scaling is "ntk" or "dynamic")
            theta *= Math.Pow(factor, width / (width - 2.0));
        double[] frequencies = Angles(1, width, theta);
        if (scaling == "yarn")
            magnitude = 0.1 * Math.Log(factor) + 1;
        if (scaling == "longrope")
            magnitude = Math.Sqrt(1 + Math.Log(factor) / Math.Log(trained));
        double[] searched = x.Numbers(start + length > trained ? "long_factors" : "short_factors");
        for (int i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] *= scaling switch
            {
                "linear" => 1 / factor,
                "llama3" => Llama3(x, frequencies[i] * trained / (2 * Math.PI), factor),
                "yarn" => Yarn(x, i, width, theta, trained, factor),
                "longrope" => 1 / searched[i],
                "proportional" => 2 * i < Math.Floor(x.Number("share", 1) * width / 2) * 2 ? 1 / factor : 0,
                _ => 1,
            };
        }
        int row = 0;
        return TwinMath.MapRows(x["x"], width, values =>
        {
            int position = start + row++ % length;
            return Turn(values, TwinMath.Map(frequencies, frequency => position * frequency), x.Flag("interleaved", false), magnitude);
        });
    }

    // 1 for pairs that turn at least high_factor times in the trained length, 1/s for those that turn at most low_factor times.
    private static double Llama3(TwinInput x, double turns, double factor)
    {
        double low = x.Number("low_factor", 1), high = x.Number("high_factor", 4);
        double smooth = (turns - low) / (high - low);
        return turns >= high ? 1 : turns <= low ? 1 / factor : (1 - smooth) / factor + smooth;
    }

    // 1 up to the pair that turns β_fast times in the trained length, 1/s from the pair that turns β_slow times, a line between.
    private static double Yarn(TwinInput x, int pair, int width, double theta, double trained, double factor)
    {
        double Pair(double turns) => width / 2.0 * Math.Log(trained / (2 * Math.PI * turns)) / Math.Log(theta);
        double first = Math.Max(0, Math.Floor(Pair(x.Number("beta_fast", 32))));
        double last = Math.Min(width - 1, Math.Ceiling(Pair(x.Number("beta_slow", 1))));
        double ramp = pair <= first ? 0 : pair >= last ? 1 : (pair - first) / (last - first);
        return 1 - ramp + ramp / factor;
    }

    private static double[] SinusoidalPositions(TwinInput x)
    {
        int d = x.Whole("d_model");
        double[] y = new double[x["positions"].Length * d];
        for (int i = 0; i < y.Length; i++)
        {
            double angle = x["positions"][i / d] / Math.Pow(10000, (double)(i % d / 2 * 2) / d);
            y[i] = i % 2 == 0 ? Math.Sin(angle) : Math.Cos(angle);
        }
        return y;
    }
}
