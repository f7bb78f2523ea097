namespace Lemma.Formulas;

/// <summary>Y = softmax(Q·Kᵀ·s + mask)·V over heads that lie one after another, by the tiled kernel of <see cref="Attention"/>.</summary>
/// <remarks>Masks: causal, sliding window, padding. Vaswani et al. 2017, eq. 1.</remarks>
public static unsafe class HeadAttention
{
    /// <summary>What a query may see.</summary>
    /// <param name="Causal">No later position.</param>
    /// <param name="Window">So many positions back, itself included; 0 for all.</param>
    /// <param name="Lengths">Keys that exist a sequence; empty when all do.</param>
    /// <param name="Scale">What scores are multiplied with; 0 for 1/√d.</param>
    /// <param name="Prefix">Keys from the first on that every query sees.</param>
    public readonly record struct Mask(bool Causal, int Window = 0, ReadOnlyMemory<int> Lengths = default, float Scale = 0, int Prefix = 0);

    /// <summary>Y and ln Σ e^score, [b, H, T].</summary>
    public static void Forward(in HeadSizes sizes, Mask mask, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v,
        Span<float> y, Span<float> logs)
    {
        CheckInput(sizes, q, k, v, y, logs);
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs)
        {
            for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
                Attention.Forward(Shape(sizes, mask), Head(sizes, mask, index, pq, pk, pv, py, pl));
        }
    }

    /// <summary>The same with a function of the scores that all heads share.</summary>
    internal static void Forward<TScores>(in HeadSizes sizes, Mask mask, TScores function, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, Span<float> y, Span<float> logs) where TScores : struct, IScoreFunction
    {
        CheckInput(sizes, q, k, v, y, logs);
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs)
        {
            for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
            {
                Attention.Forward(Shape(sizes, mask), Head(sizes, mask, index, pq, pk, pv, py, pl),
                    function);
            }
        }
    }

    /// <summary>The same with a shape of the scores.</summary>
    internal static void Forward(in HeadSizes sizes, Mask mask, ScoreShape score, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, Span<float> y, Span<float> logs)
    {
        CheckInput(sizes, q, k, v, y, logs);
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs, bias = score.Bias, sinks = score.Sinks)
        {
            for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
            {
                Attention.Forward(Shape(sizes, mask), Head(sizes, mask, index, pq, pk, pv, py, pl),
                    score.Terms(index % sizes.Heads, bias, null, sinks, null));
            }
        }
    }

    /// <summary>dQ, dK and dV are added to.</summary>
    public static void Backward(in HeadSizes sizes, Mask mask, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v,
        ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk, Span<float> dv)
    {
        CheckInput(sizes, q, k, v, dy, logs);
        CheckInput(sizes, dq, dk, dv, y, logs);
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs, pdy = dy, pdq = dq, pdk = dk, pdv = dv)
        {
            for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
            {
                AttentionGradient.Backward(Shape(sizes, mask), Head(sizes, mask, index, pq, pk, pv, py, pl),
                    Gradient(sizes, index, pdy, pdq, pdk, pdv));
            }
        }
    }

    /// <summary>The same with a function of the scores that all heads share.</summary>
    internal static void Backward<TScores>(in HeadSizes sizes, Mask mask, TScores function, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk,
        Span<float> dv) where TScores : struct, IScoreFunction
    {
        CheckInput(sizes, q, k, v, dy, logs);
        CheckInput(sizes, dq, dk, dv, y, logs);
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs, pdy = dy, pdq = dq, pdk = dk, pdv = dv)
        {
            for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
            {
                AttentionGradient.Backward(Shape(sizes, mask), Head(sizes, mask, index, pq, pk, pv, py, pl),
                    Gradient(sizes, index, pdy, pdq, pdk, pdv), function);
            }
        }
    }

    /// <summary>The same with a shape of the scores, whose gradients are added to.</summary>
    internal static void Backward(in HeadSizes sizes, Mask mask, ScoreShape score, ReadOnlySpan<float> q, ReadOnlySpan<float> k,
        ReadOnlySpan<float> v, ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk,
        Span<float> dv)
    {
        CheckInput(sizes, q, k, v, dy, logs);
        CheckInput(sizes, dq, dk, dv, y, logs);
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs, pdy = dy, pdq = dq, pdk = dk, pdv = dv)
        fixed (float* bias = score.Bias, dbias = score.BiasGradient, sinks = score.Sinks, dsinks = score.SinkGradients)
        {
            for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
            {
                AttentionGradient.Backward(Shape(sizes, mask), Head(sizes, mask, index, pq, pk, pv, py, pl),
                    Gradient(sizes, index, pdy, pdq, pdk, pdv), score.Terms(index % sizes.Heads, bias, dbias, sinks, dsinks));
            }
        }
    }

    /// <summary>One head of one sequence as sizes of its own, and its part of each tensor.</summary>
    internal readonly struct One(in HeadSizes sizes, int index)
    {
        private readonly int query = index * sizes.Queries, queries = sizes.Queries, keys = sizes.Keys, width = sizes.Width,
            valueWidth = sizes.ValueWidth, key =
            (index / sizes.Heads * sizes.KeyValueHeads + index % sizes.Heads / sizes.Group) * sizes.Keys;

        public HeadSizes Sizes => new(1, 1, 1, queries, keys, width, valueWidth);

        public ReadOnlySpan<float> Queries(ReadOnlySpan<float> q) => q.Slice(query * width, queries * width);

        public ReadOnlySpan<float> Keys(ReadOnlySpan<float> k) => k.Slice(key * width, keys * width);

        public ReadOnlySpan<float> Values(ReadOnlySpan<float> v) => v.Slice(key * valueWidth, keys * valueWidth);

        public ReadOnlySpan<float> Outputs(ReadOnlySpan<float> y) => y.Slice(query * valueWidth, queries * valueWidth);

        public ReadOnlySpan<float> Logs(ReadOnlySpan<float> logs) => logs.Slice(query, queries);

        public Span<float> Queries(Span<float> q) => q.Slice(query * width, queries * width);

        public Span<float> Keys(Span<float> k) => k.Slice(key * width, keys * width);

        public Span<float> Values(Span<float> v) => v.Slice(key * valueWidth, keys * valueWidth);

        public Span<float> Outputs(Span<float> y) => y.Slice(query * valueWidth, queries * valueWidth);

        public Span<float> Logs(Span<float> logs) => logs.Slice(query, queries);
    }

    private static AttentionShape Shape(in HeadSizes sizes, Mask mask)
    {
        Check.That(mask.Scale >= 0, "attention", $"the scale must be above 0, or 0 for 1/√d, but it is {mask.Scale}");
        return new AttentionShape(sizes.Queries, sizes.Keys, sizes.Width, sizes.ValueWidth, 1, mask.Causal, mask.Window,
            mask.Scale == 0 ? (float)(1 / Math.Sqrt(sizes.Width)) : mask.Scale, mask.Prefix);
    }

    private static AttentionHead Head(in HeadSizes sizes, Mask mask, int index, float* q, float* k, float* v, float* y, float* logs)
    {
        nint query = (nint)index * sizes.Queries, key = KeyOf(sizes, index);
        return new AttentionHead((nint)(q + query * sizes.Width), sizes.Width, (nint)(k + key * sizes.Width),
            (nint)(v + key * sizes.ValueWidth),
            sizes.Width, sizes.ValueWidth, (nint)(y + query * sizes.ValueWidth), sizes.ValueWidth, (nint)(logs + query),
            mask.Lengths.IsEmpty ? sizes.Keys : mask.Lengths.Span[index / sizes.Heads]);
    }

    private static AttentionHeadGradient Gradient(in HeadSizes sizes, int index, float* dy, float* dq, float* dk, float* dv)
    {
        nint query = (nint)index * sizes.Queries, key = KeyOf(sizes, index);
        return new AttentionHeadGradient((nint)(dy + query * sizes.ValueWidth), (nint)(dq + query * sizes.Width),
            (nint)(dk + key * sizes.Width), (nint)(dv + key * sizes.ValueWidth));
    }

    private static nint KeyOf(in HeadSizes sizes, int index) =>
        ((nint)(index / sizes.Heads) * sizes.KeyValueHeads + index % sizes.Heads / sizes.Group) * sizes.Keys;

    private static void CheckInput(in HeadSizes sizes, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v,
        ReadOnlySpan<float> y, ReadOnlySpan<float> logs)
    {
        Check.SameLength("attention", sizes.Rows * sizes.Width, q.Length);
        Check.SameLength("attention", sizes.Batch * sizes.KeyValueHeads * sizes.Keys * sizes.Width, k.Length);
        Check.SameLength("attention", sizes.Batch * sizes.KeyValueHeads * sizes.Keys * sizes.ValueWidth, v.Length);
        Check.SameLength("attention", sizes.Rows * sizes.ValueWidth, y.Length);
        Check.SameLength("attention", sizes.Rows, logs.Length);
    }
}
