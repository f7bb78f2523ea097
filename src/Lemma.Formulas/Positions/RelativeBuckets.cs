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
        Latex = @"b(h, i, j) = B_{\mathrm{bucket}(j - i), h}",
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
        int[] places = Places(1 - keys, Math.Max(queries + keys - 1, 0), table.Length / heads, largest, bidirectional);
        if (bias.IsEmpty)
            return;
        float[] line = new float[places.Length];
        for (int h = 0; h < heads; h++)
        {
            Line(places, table, heads, h, line);
            for (int i = 0; i < queries; i++)
                line.AsSpan(queries - 1 - i, keys).CopyTo(bias.Slice((h * queries + i) * keys, keys));
        }
    }

    /// <summary>dB[bucket, head] += Σ db(i, j) over the pairs of the bucket.</summary>
    public static void Backward(ReadOnlySpan<float> dbias, int heads, int queries, int keys, int largest, bool bidirectional,
        Span<float> dtable)
    {
        Check.Rows("relative_buckets", dtable.Length, heads);
        Check.SameLength("relative_buckets", heads * queries * keys, dbias.Length);
        if (dbias.IsEmpty)
            return;
        int[] places = Places(1 - keys, queries + keys - 1, dtable.Length / heads, largest, bidirectional);
        float[] line = new float[places.Length];
        for (int h = 0; h < heads; h++)
        {
            Array.Clear(line);
            for (int i = 0; i < queries; i++)
                Lanes.AddScaled(dbias.Slice((h * queries + i) * keys, keys), 1, line.AsSpan(queries - 1 - i, keys));
            AddLine(places, line, heads, h, dtable);
        }
    }

    /// <summary>The bucket of every distance from a first one on; the keys of a query are a part of them.</summary>
    internal static int[] Places(int first, int count, int buckets, int largest, bool bidirectional)
    {
        int[] places = new int[count];
        Places(first, buckets, largest, bidirectional, places);
        return places;
    }

    /// <summary>The same into memory of the caller's.</summary>
    internal static void Places(int first, int buckets, int largest, bool bidirectional, Span<int> places)
    {
        int exact = bidirectional ? buckets / 4 : buckets / 2;
        Check.That(exact > 0 && largest > exact, "relative_buckets",
            $"there must be at least {(bidirectional ? 4 : 2)} buckets and a largest distance above {exact}, "
            + $"but they are {buckets} and {largest}");
        for (int n = 0; n < places.Length; n++)
            places[n] = Bucket(first + n, buckets, largest, bidirectional);
    }

    /// <summary>The bias of one head for distances of given buckets.</summary>
    internal static void Line(ReadOnlySpan<int> places, ReadOnlySpan<float> table, int heads, int head, Span<float> line)
    {
        for (int n = 0; n < line.Length; n++)
            line[n] = table[places[n] * heads + head];
    }

    /// <summary>The gradient of one head's bias goes to its buckets, in the order of the distances.</summary>
    internal static void AddLine(ReadOnlySpan<int> places, ReadOnlySpan<float> dline, int heads, int head, Span<float> dtable)
    {
        for (int n = 0; n < dline.Length; n++)
            dtable[places[n] * heads + head] += dline[n];
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
