namespace Lemma.Formulas;

/// <summary>What is added to the score of a query and a key: a position's bias, or −∞ to hide the key.</summary>
/// <remarks>No member has a default: calling one through a struct would put the struct on the heap.</remarks>
internal interface IScore
{
    /// <summary>The addend for query i and key j of a head of a sequence.</summary>
    float Add(int sequence, int head, int i, int j);

    /// <summary>Which form of the query meets the key; 0 where there is one form.</summary>
    int Form(int i, int j);

    /// <summary>Takes the gradient of an addend.</summary>
    void Accumulate(int sequence, int head, int i, int j, float gradient);

    /// <summary>c of c·tanh(s/c), before anything is added; 0 for none.</summary>
    double Cap { get; }

    /// <summary>A further logit in the sum of a head's rows, without a value; −∞ for none.</summary>
    double Sink(int head);

    /// <summary>Takes the gradient of a sink.</summary>
    void AccumulateSink(int head, double gradient);
}

/// <summary>Y = softmax(Q·Kᵀ·s + b)·V for any addend b and, where asked for, several forms of Q; a row of scores at a time.</summary>
/// <remarks>
/// Scores are kept in double: at 1,000 a float32 score has an error of 6·10⁻⁵, and so have its weight and its gradient. Memory is linear in
/// the length; a row with nothing allowed gives 0. The backward computes each row again.
/// </remarks>
internal static class ScoredAttention
{
    /// <summary>Y; q: [forms][b, H, T, d].</summary>
    public static void Forward<TScore>(in HeadSizes sizes, double scale, ReadOnlySpan<double> q, ReadOnlySpan<double> k,
        ReadOnlySpan<double> v, TScore score,
        Span<float> y) where TScore : IScore
    {
        double[] weights = new double[sizes.Keys], bends = new double[sizes.Keys];
        for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
        {
            for (int i = 0; i < sizes.Queries; i++)
            {
                Weights(sizes, scale, q, k, score, index, i, weights, bends);
                Span<float> to = y.Slice((index * sizes.Queries + i) * sizes.ValueWidth, sizes.ValueWidth);
                to.Clear();
                for (int j = 0; j < sizes.Keys; j++)
                {
                    if (weights[j] != 0)
                        Lanes.AddScaled(v.Slice(Value(sizes, index, j), sizes.ValueWidth), weights[j], to);
                }
            }
        }
    }

    /// <summary>dV += Pᵀ·dY;  dS = P∘(dY·Vᵀ − ⟨P, dY·Vᵀ⟩);  dQ += s·dS·K;  dK += s·dSᵀ·Q; dS goes to the addend as well.</summary>
    public static void Backward<TScore>(in HeadSizes sizes, double scale, ReadOnlySpan<double> q, ReadOnlySpan<double> k,
        ReadOnlySpan<double> v, TScore score,
        ReadOnlySpan<double> dy, Span<float> dq, Span<float> dk, Span<float> dv) where TScore : IScore
    {
        double[] weights = new double[sizes.Keys], dweights = new double[sizes.Keys], bends = new double[sizes.Keys];
        for (int index = 0; index < sizes.Batch * sizes.Heads; index++)
        {
            for (int i = 0; i < sizes.Queries; i++)
            {
                double sink = Weights(sizes, scale, q, k, score, index, i, weights, bends);
                ReadOnlySpan<double> up = dy.Slice((index * sizes.Queries + i) * sizes.ValueWidth, sizes.ValueWidth);
                for (int j = 0; j < sizes.Keys; j++)
                {
                    dweights[j] = weights[j] == 0 ? 0 : Plain(up, v.Slice(Value(sizes, index, j), sizes.ValueWidth));
                    if (weights[j] != 0)
                        Lanes.AddScaled(up, weights[j], dv.Slice(Value(sizes, index, j), sizes.ValueWidth));
                }
                // Where one key has all the weight, the slopes are what rounding leaves of this difference. Products in order, not fused,
                // leave what other implementations in double leave, so that they can be compared.
                double along = 0;
                for (int j = 0; j < sizes.Keys; j++)
                    along += weights[j] * dweights[j];
                if (sink != 0)
                    score.AccumulateSink(index % sizes.Heads, -sink * along);
                for (int j = 0; j < sizes.Keys; j++)
                {
                    if (weights[j] == 0)
                        continue;
                    double slope = weights[j] * (dweights[j] - along);
                    int query = Query(sizes, score.Form(i, j), index, i), key = Key(sizes, index, j);
                    Lanes.AddScaled(k.Slice(key, sizes.Width), scale * slope * bends[j], dq.Slice(query, sizes.Width));
                    Lanes.AddScaled(q.Slice(query, sizes.Width), scale * slope * bends[j], dk.Slice(key, sizes.Width));
                    score.Accumulate(index / sizes.Heads, index % sizes.Heads, i, j, (float)slope);
                }
            }
        }
    }

    // The softmax of one row of scores, the slope of each score's cap, and the weight of the sink.
    private static double Weights<TScore>(in HeadSizes sizes, double scale, ReadOnlySpan<double> q, ReadOnlySpan<double> k, TScore score,
        int index, int i, Span<double> weights, Span<double> bends) where TScore : IScore
    {
        int heaviest = 0, head = index % sizes.Heads;
        double cap = score.Cap, sink = score.Sink(head);
        for (int j = 0; j < sizes.Keys; j++)
        {
            float add = score.Add(index / sizes.Heads, head, i, j);
            bends[j] = 1;
            weights[j] = add;
            if (!float.IsNegativeInfinity(add))
            {
                double plain = scale * Lanes.Dot(q.Slice(Query(sizes, score.Form(i, j), index, i), sizes.Width),
                    k.Slice(Key(sizes, index, j), sizes.Width)), bent = cap == 0 ? 0 : Math.Tanh(plain / cap);
                bends[j] = 1 - bent * bent;
                weights[j] = add + (cap == 0 ? plain : cap * bent);
            }
            heaviest = weights[j] > weights[heaviest] || double.IsNaN(weights[j]) ? j : heaviest;
        }
        double largest = sizes.Keys == 0 ? sink : weights[heaviest] < sink ? sink : weights[heaviest];
        double own = double.IsNegativeInfinity(sink) ? 0 : Math.Exp(sink - largest), total = own;
        for (int j = 0; j < sizes.Keys; j++)
            total += weights[j] = double.IsNegativeInfinity(weights[j]) ? 0 : Math.Exp(weights[j] - largest);
        for (int j = 0; j < sizes.Keys && total != 0; j++)
            weights[j] /= total;
        return own == 0 ? 0 : own / total;
    }

    private static double Plain(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }

    private static int Query(in HeadSizes sizes, int form, int index, int i) =>
        ((form * sizes.Batch * sizes.Heads + index) * sizes.Queries + i) * sizes.Width;

    private static int Key(in HeadSizes sizes, int index, int j) => Shared(sizes, index, j) * sizes.Width;

    private static int Value(in HeadSizes sizes, int index, int j) => Shared(sizes, index, j) * sizes.ValueWidth;

    private static int Shared(in HeadSizes sizes, int index, int j) =>
        (index / sizes.Heads * sizes.KeyValueHeads + index % sizes.Heads / sizes.Group) * sizes.Keys + j;
}
