using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>The weights of attention, softmax(Q·Kᵀ·s + mask), which kernels never form: by plain loops in double, to be looked at.</summary>
internal static class AttentionWeights
{
    /// <summary>[H, T, T] of one sequence: what each head's query gives to each key. A row sums to 1, with a sink to less.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="query">H heads of d_h columns; in as many forms as the pattern of the heads needs.</param>
    /// <param name="key">H_kv heads of d_h columns, of the same rows.</param>
    /// <param name="heads">The heads.</param>
    /// <param name="terms">What is done to the scores.</param>
    public static float[] Of(Tape tape, HeadColumns query, HeadColumns key, AttentionHeads heads, AttentionTerms terms)
    {
        int length = query.Tensor.Shape.Rows;
        Require.That(key.Tensor.Shape.Rows == length, $"attention: {length} queries and {key.Tensor.Shape.Rows} keys are not of one sequence");
        long size = (long)heads.Heads * length * length;
        Require.That(size <= Array.MaxLength, $"attention: maps of {heads.Heads} heads and {length} tokens hold more than {Array.MaxLength} numbers");
        float[] weights = new float[size];
        double[] scores = new double[length];
        for (int head = 0; head < heads.Heads; head++)
        {
            AttentionShape shape = heads.Shape(head, 1, 0, length, length);
            for (int i = 0; i < length; i++)
            {
                int first = shape.First(i), end = shape.End(i, length);
                Span<double> seen = scores.AsSpan(first, end - first);
                for (int j = first; j < end; j++)
                    seen[j - first] = Sees(heads, i, j, length) ? Score(tape, query, key, heads, shape.Scale, terms, head, i, j) : double.NegativeInfinity;
                Normalize(seen, terms.Sinks is { } sinks ? tape[sinks][head] : double.NegativeInfinity,
                    weights.AsSpan((head * length + i) * length + first, seen.Length));
            }
        }
        return weights;
    }

    private static bool Sees(in AttentionHeads heads, int i, int j, int length)
    {
        if (heads.Pattern is not BlockSparse sparse)
            return true;
        BlockScores scores = sparse.Scores(heads.Causal, length, default);
        return scores.Pattern.Sees(i / sparse.Block, j / sparse.Block, scores.Blocks);
    }

    private static double Score(Tape tape, in HeadColumns query, in HeadColumns key, in AttentionHeads heads, double scale, in AttentionTerms terms,
        int head, int i, int j)
    {
        int d = heads.HeadWidth, form = heads.Pattern is DualChunk chunks ? Math.Min(2, i / chunks.Chunk - j / chunks.Chunk) : 0;
        ReadOnlySpan<float> q = tape[query.Tensor].Slice(i * query.Tensor.Shape.Columns + query.First + (form * heads.Heads + head) * d, d);
        ReadOnlySpan<float> k = tape[key.Tensor].Slice(j * key.Tensor.Shape.Columns + key.First + head / heads.Group * d, d);
        double score = 0;
        for (int c = 0; c < d; c++)
            score += (double)q[c] * k[c];
        score *= scale;
        if (terms.Cap > 0)
            score = terms.Cap * Math.Tanh(score / terms.Cap);
        return terms.Bias is { } bias ? score + tape[bias][head * bias.Shape.Columns + terms.BiasZero + j - i] : score;
    }

    // Where nothing is seen the weights are 0.
    private static void Normalize(ReadOnlySpan<double> scores, double sink, Span<float> weights)
    {
        double largest = sink, sum = 0;
        foreach (double score in scores)
            largest = Math.Max(largest, score);
        if (double.IsNegativeInfinity(largest))
            return;
        foreach (double score in scores)
            sum += Math.Exp(score - largest);
        sum += Math.Exp(sink - largest);
        for (int j = 0; j < scores.Length; j++)
            weights[j] = (float)(Math.Exp(scores[j] - largest) / sum);
    }
}
