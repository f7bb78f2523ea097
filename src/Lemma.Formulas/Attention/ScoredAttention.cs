namespace Lemma.Formulas;

/// <summary>What is added to the score of a query and a key: a position's bias, or −∞ to hide the key.</summary>
internal interface IScore
{
    /// <summary>The addend for query i and key j of a head of a sequence.</summary>
    float Add(int sequence, int head, int i, int j);

    /// <summary>Which form of the query meets the key; 0 where there is one form.</summary>
    int Form(int i, int j) => 0;

    /// <summary>Takes the gradient of an addend.</summary>
    void Accumulate(int sequence, int head, int i, int j, float gradient) { }
}

/// <summary>Y = softmax(Q·Kᵀ·s + b)·V for any addend b and, where asked for, several forms of Q; a row of scores at a time.</summary>
/// <remarks>Memory is linear in the length; a row with nothing allowed gives 0. The backward computes each row again.</remarks>
internal static class ScoredAttention
{
    /// <summary>Y; q: [forms][b, H, T, d].</summary>
    public static void Forward<TScore>(in HeadSizes sizes, float scale, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, TScore score,
        Span<float> y) where TScore : IScore
    {
        float[] scores = new float[sizes.Keys];
        for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
        {
            for (int i = 0; i < sizes.Queries; i++)
            {
                Weights(sizes, scale, q, k, score, index, i, scores);
                Span<float> to = y.Slice((index * sizes.Queries + i) * sizes.ValueWidth, sizes.ValueWidth);
                to.Clear();
                for (int j = 0; j < sizes.Keys; j++)
                {
                    if (scores[j] != 0)
                        Lanes.AddScaled(v.Slice(Value(sizes, index, j), sizes.ValueWidth), scores[j], to);
                }
            }
        }
    }

    /// <summary>dV += Pᵀ·dY;  dS = P∘(dY·Vᵀ − ⟨P, dY·Vᵀ⟩);  dQ += s·dS·K;  dK += s·dSᵀ·Q; dS goes to the addend as well.</summary>
    public static void Backward<TScore>(in HeadSizes sizes, float scale, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, TScore score,
        ReadOnlySpan<float> dy, Span<float> dq, Span<float> dk, Span<float> dv) where TScore : IScore
    {
        float[] weights = new float[sizes.Keys], dweights = new float[sizes.Keys], dscores = new float[sizes.Keys];
        for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
        {
            for (int i = 0; i < sizes.Queries; i++)
            {
                Weights(sizes, scale, q, k, score, index, i, weights);
                ReadOnlySpan<float> up = dy.Slice((index * sizes.Queries + i) * sizes.ValueWidth, sizes.ValueWidth);
                for (int j = 0; j < sizes.Keys; j++)
                {
                    dweights[j] = weights[j] == 0 ? 0 : Lanes.Dot(up, v.Slice(Value(sizes, index, j), sizes.ValueWidth));
                    if (weights[j] != 0)
                        Lanes.AddScaled(up, weights[j], dv.Slice(Value(sizes, index, j), sizes.ValueWidth));
                }
                Array.Clear(dscores);
                Softmax.AddRow(weights, dweights, 1, dscores);
                for (int j = 0; j < sizes.Keys; j++)
                {
                    if (dscores[j] == 0)
                        continue;
                    int query = Query(sizes, score.Form(i, j), index, i), key = Key(sizes, index, j);
                    Lanes.AddScaled(k.Slice(key, sizes.Width), scale * dscores[j], dq.Slice(query, sizes.Width));
                    Lanes.AddScaled(q.Slice(query, sizes.Width), scale * dscores[j], dk.Slice(key, sizes.Width));
                    score.Accumulate(index / sizes.Heads, index % sizes.Heads, i, j, dscores[j]);
                }
            }
        }
    }

    private static void Weights<TScore>(in HeadSizes sizes, float scale, ReadOnlySpan<float> q, ReadOnlySpan<float> k, TScore score, int index, int i,
        Span<float> weights) where TScore : IScore
    {
        for (int j = 0; j < sizes.Keys; j++)
        {
            float add = score.Add(index / sizes.Heads, index % sizes.Heads, i, j);
            weights[j] = float.IsNegativeInfinity(add) ? add : MathF.FusedMultiplyAdd(scale,
                Lanes.Dot(q.Slice(Query(sizes, score.Form(i, j), index, i), sizes.Width), k.Slice(Key(sizes, index, j), sizes.Width)), add);
        }
        Softmax.Forward(weights, sizes.Keys, 1, weights);
    }

    private static int Query(in HeadSizes sizes, int form, int index, int i) =>
        ((form * sizes.Batch * sizes.Heads + index) * sizes.Queries + i) * sizes.Width;

    private static int Key(in HeadSizes sizes, int index, int j) => Shared(sizes, index, j) * sizes.Width;

    private static int Value(in HeadSizes sizes, int index, int j) => Shared(sizes, index, j) * sizes.ValueWidth;

    private static int Shared(in HeadSizes sizes, int index, int j) =>
        (index / sizes.Heads * sizes.KeyValueHeads + index % sizes.Heads / sizes.Group) * sizes.Keys + j;
}
