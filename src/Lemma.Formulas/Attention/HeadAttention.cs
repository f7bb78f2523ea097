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
    public readonly record struct Mask(bool Causal, int Window = 0, ReadOnlyMemory<int> Lengths = default, float Scale = 0);

    /// <summary>Y and ln Σ e^score, [b, H, T].</summary>
    public static void Forward(in HeadSizes sizes, Mask mask, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v,
        Span<float> y, Span<float> logs)
    {
        CheckInput(sizes, q, k, v, y);
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs)
        {
            for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
                Attention.Forward(Shape(sizes, mask), Head(sizes, mask, index, pq, pk, pv, py, pl));
        }
    }

    /// <summary>dQ, dK and dV are added to.</summary>
    public static void Backward(in HeadSizes sizes, Mask mask, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v,
        ReadOnlySpan<float> y, ReadOnlySpan<float> logs, ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk, Span<float> dv)
    {
        CheckInput(sizes, q, k, v, dy);
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs, pdy = dy, pdq = dq, pdk = dk, pdv = dv)
        {
            for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
            {
                AttentionHead head = Head(sizes, mask, index, pq, pk, pv, py, pl);
                AttentionGradient.Backward(Shape(sizes, mask), head, new AttentionHeadGradient(
                    (nint)pdy + (head.Output - (nint)py), (nint)pdq + (head.Query - (nint)pq), (nint)pdk + (head.Key - (nint)pk),
                        (nint)pdv + (head.Value - (nint)pv)));
            }
        }
    }

    private static AttentionShape Shape(in HeadSizes sizes, Mask mask) =>
        new(sizes.Queries, sizes.Keys, sizes.Width, 1, mask.Causal, mask.Window,
            mask.Scale == 0 ? (float)(1 / Math.Sqrt(sizes.Width)) : mask.Scale);

    private static AttentionHead Head(in HeadSizes sizes, Mask mask, int index, float* q, float* k, float* v, float* y, float* logs)
    {
        (int sequence, int head) = (index / sizes.Heads, index % sizes.Heads);
        nint queries = (nint)index * sizes.Queries * sizes.Width;
        nint keys = ((nint)sequence * sizes.KeyValueHeads + head / sizes.Group) * sizes.Keys * sizes.Width;
        return new AttentionHead((nint)(q + queries), sizes.Width, (nint)(k + keys), (nint)(v + keys), sizes.Width, (nint)(y + queries),
            sizes.Width,
            (nint)(logs + (nint)index * sizes.Queries), mask.Lengths.IsEmpty ? sizes.Keys : mask.Lengths.Span[sequence]);
    }

    private static void CheckInput(in HeadSizes sizes, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v,
        ReadOnlySpan<float> y)
    {
        Check.SameLength("attention", sizes.Width, sizes.ValueWidth);
        Check.SameLength("attention", sizes.Batch * sizes.Heads * sizes.Queries * sizes.Width, q.Length);
        Check.SameLength("attention", sizes.Batch * sizes.KeyValueHeads * sizes.Keys * sizes.Width, k.Length);
        Check.SameLength("attention", k.Length, v.Length);
        Check.SameLength("attention", q.Length, y.Length);
    }
}
