namespace Lemma.Formulas;

/// <summary>
/// Y = softmax(Q)·(softmax(Kᵀ)·V): a softmax of each query over its features, of each feature of the keys over positions.
/// </summary>
/// <remarks>
/// q, k: [heads, T, d]; v: [heads, S, d_v]; linear in the length, not causal. Shen et al. 2018, Efficient attention, eq. 5.
/// </remarks>
public static class EfficientAttention
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "efficient_attention",
        Group = "Attention",
        Text = "Y = softmax(Q)·(softmax(Kᵀ)·V)",
        Latex = @"Y = \mathrm{softmax}(Q)\left(\mathrm{softmax}(K^\top) V\right)",
        Shapes = "q, k: [b, H, T, d]; v: [b, H, T, d_v]",
        Symbols = "softmax of Q over features, of K over positions; not causal",
        Source = "Shen et al. 2018, Efficient attention, eq. 5",
        Gradient = "through both softmaxes",
        Notes = "Without the softmax on Q it is another function (correction 8).",
        Example = "q[1,2,6,4] k[1,2,6,4] v[1,2,6,4]",
        Evaluate = Evaluate,
    };

    /// <summary>Y; keeps ρ(Q), ρ(K)ᵀ [heads, d, S] and the context [heads, d, d_v] for the backward.</summary>
    public static void Forward(in HeadSizes sizes, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v,
        Span<float> y, Span<float> queries, Span<float> keys, Span<float> context)
    {
        Softmax.Forward(q, sizes.Width, 1, queries);
        for (int h = 0; h < sizes.Batch * sizes.Heads; h++)
        {
            Part part = new(sizes, h);
            Transpose(part.Key(k), sizes.Keys, sizes.Width, part.Key(keys));
            Softmax.Forward(part.Key(keys), sizes.Keys, 1, part.Key(keys));
            SpanProduct.Multiply(sizes.Width, sizes.ValueWidth, sizes.Keys, part.Key(keys), false, part.Value(v), false,
                part.Context(context));
            SpanProduct.Multiply(sizes.Queries, sizes.ValueWidth, sizes.Width, part.Query(queries), false, part.Context(context), false,
                part.Output(y));
        }
    }

    /// <summary>dC = ρ(Q)ᵀ·dY, dρ(Q) = dY·Cᵀ, dρ(K)ᵀ = dC·Vᵀ, dV += ρ(K)·dC, then both softmaxes.</summary>
    public static void Backward(in HeadSizes sizes, ReadOnlySpan<float> v, ReadOnlySpan<float> queries, ReadOnlySpan<float> keys,
        ReadOnlySpan<float> context,
        ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk, Span<float> dv)
    {
        float[] back = new float[sizes.Keys * sizes.Width], turned = new float[back.Length];
        for (int h = 0; h < sizes.Batch * sizes.Heads; h++)
        {
            Part part = new(sizes, h);
            float[] dcontext = SpanProduct.New(sizes.Width, sizes.ValueWidth, sizes.Queries, part.Query(queries), true, part.Output(dy),
                false);
            float[] dqueries = SpanProduct.New(sizes.Queries, sizes.Width, sizes.ValueWidth, part.Output(dy), false, part.Context(context),
                true);
            Softmax.Backward(part.Query(queries), sizes.Width, 1, dqueries, part.Query(dq));
            SpanProduct.Multiply(sizes.Keys, sizes.ValueWidth, sizes.Width, part.Key(keys), true, dcontext, false, part.Value(dv),
                add: true);
            float[] dkeys = SpanProduct.New(sizes.Width, sizes.Keys, sizes.ValueWidth, dcontext, false, part.Value(v), true);
            Array.Clear(back);
            Softmax.Backward(part.Key(keys), sizes.Keys, 1, dkeys, back);
            Transpose(back, sizes.Width, sizes.Keys, turned);
            Lanes.AddScaled(turned, 1, part.Key(dk));
        }
    }

    private static void Transpose(ReadOnlySpan<float> from, int rows, int columns, Span<float> to)
    {
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
                to[j * rows + i] = from[i * columns + j];
        }
    }

    private readonly struct Part(HeadSizes sizes, int h)
    {
        public ReadOnlySpan<float> Query(ReadOnlySpan<float> x) => x.Slice(h * sizes.Queries * sizes.Width, sizes.Queries * sizes.Width);

        public Span<float> Query(Span<float> x) => x.Slice(h * sizes.Queries * sizes.Width, sizes.Queries * sizes.Width);

        public ReadOnlySpan<float> Key(ReadOnlySpan<float> x) => x.Slice(h * sizes.Keys * sizes.Width, sizes.Keys * sizes.Width);

        public Span<float> Key(Span<float> x) => x.Slice(h * sizes.Keys * sizes.Width, sizes.Keys * sizes.Width);

        public ReadOnlySpan<float> Value(ReadOnlySpan<float> x) => x.Slice(h * sizes.Keys * sizes.ValueWidth,
            sizes.Keys * sizes.ValueWidth);

        public Span<float> Value(Span<float> x) => x.Slice(h * sizes.Keys * sizes.ValueWidth, sizes.Keys * sizes.ValueWidth);

        public ReadOnlySpan<float> Context(ReadOnlySpan<float> x) => x.Slice(h * sizes.Width * sizes.ValueWidth,
            sizes.Width * sizes.ValueWidth);

        public Span<float> Context(Span<float> x) => x.Slice(h * sizes.Width * sizes.ValueWidth, sizes.Width * sizes.ValueWidth);

        public ReadOnlySpan<float> Output(ReadOnlySpan<float> x) => x.Slice(h * sizes.Queries * sizes.ValueWidth,
            sizes.Queries * sizes.ValueWidth);

        public Span<float> Output(Span<float> x) => x.Slice(h * sizes.Queries * sizes.ValueWidth, sizes.Queries * sizes.ValueWidth);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values q = call["q"], k = call["k"], v = call["v"];
        HeadSizes sizes = HeadSizes.Of("efficient_attention", q, k, v);
        Check.That(sizes.Heads == sizes.KeyValueHeads, "efficient_attention",
            $"{sizes.KeyValueHeads} key/value heads for {sizes.Heads} heads");
        Check.That(!call.Flag("causal", false), "efficient_attention",
            $"there is no causal form: the softmax of keys runs over all positions");
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        float[] queries = new float[q.Count], keys = new float[k.Count],
            context = new float[sizes.Batch * sizes.Heads * sizes.Width * sizes.ValueWidth];
        Forward(sizes, q, k, v, y, queries, keys, context);
        if (call.Backward(y, out float[]? dy))
            Backward(sizes, v, queries, keys, context, dy, call.Gradient("q"), call.Gradient("k"), call.Gradient("v"));
        return y;
    }
}
