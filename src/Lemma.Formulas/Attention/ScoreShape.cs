namespace Lemma.Formulas;

/// <summary>What shapes the scores of every head beside its mask: a cap, a bias by distance, sinks; and the gradients of these.</summary>
/// <param name="Heads">H.</param>
/// <param name="Queries">T; the last T of S positions.</param>
/// <param name="Keys">S.</param>
internal sealed record ScoreShape(int Heads, int Queries, int Keys)
{
    private readonly int[] places = [];

    /// <summary>c of c·tanh(s/c); 0 for none.</summary>
    public float Cap { get; init; }

    /// <summary>[H, T + S − 1]: the bias of every distance from that of the last query to the first key on; empty for none.</summary>
    public float[] Bias { get; private init; } = [];

    /// <summary>The gradient of the bias.</summary>
    public float[] BiasGradient { get; private init; } = [];

    /// <summary>[H]: the logit of each head's sink; empty for none.</summary>
    public float[] Sinks { get; init; } = [];

    /// <summary>The gradient of the sinks.</summary>
    public float[] SinkGradients { get; private init; } = [];

    /// <summary>Whether scores stay as they are.</summary>
    public bool IsEmpty => Cap == 0 && Bias.Length == 0 && Sinks.Length == 0;

    private int Distances => Queries + Keys - 1;

    /// <summary>A shape from attributes and inputs: cap, bias, sinks, buckets.</summary>
    public static ScoreShape Read(FormulaCall call, string formula, in HeadSizes sizes)
    {
        string bias = call.Word("bias", "none");
        Check.That(bias is "none" or "alibi" or "relative_buckets", formula, $"the bias must be none, alibi or relative_buckets, but it is {bias}");
        double cap = call.Number("cap", 0);
        Check.That(cap >= 0 && double.IsFinite(cap), formula, $"the cap must be above 0, or 0 for none, but it is {cap}");
        float[] sinks = call.Has("sinks") ? call.Input("sinks", sizes.Heads).Data : [];
        ScoreShape shape = new(sizes.Heads, sizes.Queries, sizes.Keys) { Cap = (float)cap, Sinks = sinks, SinkGradients = new float[sinks.Length] };
        if (shape.Distances <= 0 || sizes.Queries == 0)
            return shape;
        return bias switch
        {
            "alibi" => shape.WithSlopes(),
            "relative_buckets" => shape.WithBuckets(call.Input("buckets", -1, sizes.Heads), call.Whole("largest_distance", 128),
                call.Flag("bidirectional", true)),
            _ => shape,
        };
    }

    /// <summary>Sends the gradients to the inputs of a call.</summary>
    public void SendGradients(FormulaCall call)
    {
        if (Sinks.Length > 0)
            Lanes.AddScaled(SinkGradients, 1, call.Gradient("sinks"));
        for (int h = 0; h < Heads && places.Length > 0; h++)
            RelativeBuckets.AddLine(places, BiasGradient.AsSpan(h * Distances, Distances), Heads, h, call.Gradient("buckets"));
    }

    /// <summary>A shape with lines of bias to fill, and their gradient.</summary>
    public static ScoreShape WithLines(int heads, int queries, int keys)
    {
        ScoreShape shape = new(heads, queries, keys);
        int size = heads * Math.Max(shape.Distances, 0);
        return shape with { Bias = new float[size], BiasGradient = new float[size] };
    }

    /// <summary>The line of one head; its first distance is 1 − S.</summary>
    public Span<float> LineOf(float[] lines, int head) => lines.AsSpan(head * Math.Max(Distances, 0), Math.Max(Distances, 0));

    /// <summary>The bias of a distance, key minus query.</summary>
    public float BiasOf(int head, int distance) => Bias.Length == 0 ? 0 : Bias[Place(head, distance)];

    /// <summary>Takes the gradient of a bias.</summary>
    public void AddGradient(int head, int distance, float gradient)
    {
        if (BiasGradient.Length > 0)
            BiasGradient[Place(head, distance)] += gradient;
    }

    /// <summary>The shape of one head's scores, whose arrays lie at given places.</summary>
    public unsafe ScoreTerms Terms(int head, float* bias, float* dbias, float* sinks, float* dsinks) => new(Cap, Keys - Queries,
        bias == null ? 0 : (nint)(bias + Place(head, 0)), Distances, dbias == null ? 0 : (nint)(dbias + Place(head, 0)),
        sinks == null ? 0 : (nint)(sinks + head), dsinks == null ? 0 : (nint)(dsinks + head));

    private int Place(int head, int distance) => head * Distances + Keys - 1 + distance;

    private ScoreShape WithSlopes()
    {
        float[] lines = new float[Heads * Distances];
        for (int h = 0; h < Heads; h++)
            LinearBias.Line(LinearBias.Slope(h, Heads), 1 - Keys, lines.AsSpan(h * Distances, Distances));
        return this with { Bias = lines };
    }

    private ScoreShape WithBuckets(Values table, int largest, bool bidirectional)
    {
        int[] every = RelativeBuckets.Places(1 - Keys, Distances, table.Rows, largest, bidirectional);
        float[] lines = new float[Heads * Distances];
        for (int h = 0; h < Heads; h++)
            RelativeBuckets.Line(every, table, Heads, h, lines.AsSpan(h * Distances, Distances));
        return new ScoreShape(this, every) { Bias = lines, BiasGradient = new float[lines.Length] };
    }

    private ScoreShape(ScoreShape from, int[] places) : this(from) => this.places = places;
}
