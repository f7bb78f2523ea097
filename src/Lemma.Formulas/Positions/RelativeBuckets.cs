namespace Lemma.Formulas;

/// <summary>b(i, j) = B[bucket(j − i), head]: exact buckets near, logarithmic ones up to a largest distance.</summary>
/// <remarks>B: [buckets, heads], learned, added to the scores; b: [heads, queries, keys]. Raffel et al. 2019, T5, section 2.1.</remarks>
public static class RelativeBuckets
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "relative_buckets",
        Group = "Positions",
        Text = "b(h, i, j) = B_{bucket(j − i), h}",
        Shapes = "weight (B): [buckets, heads]; b: [heads, queries, keys]",
        Symbols = "half of the buckets exact, the rest logarithmic up to largest_distance; bidirectional: separate buckets for later keys",
        Source = "Raffel et al. 2019, T5, section 2.1",
        Gradient = "dB += Σ db over the pairs of a bucket",
        Example = "weight[8,3] queries=5 keys=40 largest_distance=20",
        Evaluate = Evaluate,
    };

    /// <summary>The bucket of a distance j − i (key minus query).</summary>
    public static int Bucket(int distance, int buckets, int largest, bool bidirectional)
    {
        int offset = 0;
        if (bidirectional)
        {
            buckets /= 2;
            offset = distance > 0 ? buckets : 0;
            distance = Math.Abs(distance);
        }
        else
            distance = Math.Max(-distance, 0);
        int exact = buckets / 2;
        if (distance < exact)
            return offset + distance;
        int far = exact + (int)((float)Math.Log((double)distance / exact) / (float)Math.Log((double)largest / exact) * (buckets - exact));
        return offset + Math.Min(far, buckets - 1);
    }

    /// <summary>b of every head, query and key; the last query stands at the last key.</summary>
    public static void Forward(ReadOnlySpan<float> table, int heads, int queries, int keys, int largest, bool bidirectional,
        Span<float> bias)
    {
        Check.Rows("relative_buckets", table.Length, heads);
        Check.SameLength("relative_buckets", heads * queries * keys, bias.Length);
        int buckets = table.Length / heads, exact = bidirectional ? buckets / 4 : buckets / 2;
        Check.That(exact > 0 && largest > exact, "relative_buckets",
            $"there must be at least {(bidirectional ? 4 : 2)} buckets and a largest distance above {exact}, but they are {buckets} and {largest}");
        for (int i = 0; i < queries; i++)
        {
            for (int j = 0; j < keys; j++)
            {
                int bucket = Bucket(j - i - (keys - queries), buckets, largest, bidirectional);
                for (int h = 0; h < heads; h++)
                    bias[(h * queries + i) * keys + j] = table[bucket * heads + h];
            }
        }
    }

    /// <summary>dB[bucket, head] += Σ db(i, j) over the pairs of the bucket.</summary>
    public static void Backward(ReadOnlySpan<float> dbias, int heads, int queries, int keys, int largest, bool bidirectional,
        Span<float> dtable)
    {
        for (int i = 0; i < queries; i++)
        {
            for (int j = 0; j < keys; j++)
            {
                int bucket = Bucket(j - i - (keys - queries), dtable.Length / heads, largest, bidirectional);
                for (int h = 0; h < heads; h++)
                    dtable[bucket * heads + h] += dbias[(h * queries + i) * keys + j];
            }
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values table = call.Input("weight", -1, -1);
        int queries = call.Whole("queries"), keys = call.Whole("keys", queries), largest = call.Whole("largest_distance", 128);
        bool both = call.Flag("bidirectional", true);
        Values y = call.New(table.Columns, queries, keys);
        Forward(table, table.Columns, queries, keys, largest, both, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, table.Columns, queries, keys, largest, both, call.Gradient("weight"));
        return y;
    }
}
