namespace Lemma.Formulas;

/// <summary>Y = softmax(Q·Kᵀ/√d + mask)·V with any mask of <see cref="AttentionScore"/> and any <see cref="ScoreShape"/>.</summary>
/// <remarks>q: [b, H, T, d]; k, v: [b, H_kv, S, d]; the tiled kernel, or in double where scores are large.</remarks>
public static class AttentionFormula
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "attention",
        Group = "Attention",
        Text = "Y = softmax(Q·Kᵀ/√d + M)·V",
        Latex = @"Y = \mathrm{softmax}\left(\frac{Q K^\top}{\sqrt{d}} + M\right) V",
        Shapes = "q, Y: [b, H, T, d]; k, v: [b, H_kv, S, d]; queries are the last T of S positions",
        Symbols = "mask: none, causal, sliding_window (window), prefix (prefix), padding (lengths); bias: none, alibi or relative_buckets "
            + "(buckets: [buckets, H], largest_distance, bidirectional); cap: c·tanh(s/c) of the scores; sinks: [H], a further logit in each sum",
        Source = "Vaswani et al. 2017, Attention is all you need, eq. 1; Dao et al. 2022 for the tiles",
        Gradient = "dV = Pᵀ·dY, dS = P∘(dP − ⟨P, dP⟩), dQ = dS·K/√d, dK = dSᵀ·Q/√d",
        Notes = "Tiled with a running maximum and sum: memory is linear in the length. A row with nothing allowed gives 0.",
        Example = "q[2,4,5,8] k[2,2,7,8] v[2,2,7,8] mask=causal bias=alibi",
        Evaluate = Evaluate,
    };

    private static Values Evaluate(FormulaCall call)
    {
        Values k = call["k"], y = Run(call, "attention", call["q"], k, call["v"]);
        int heads = call.Whole("kv_heads", k.Shape[1]);
        Check.That(heads == k.Shape[1], "attention", $"kv_heads must be the {k.Shape[1]} heads of k, but it is {heads}");
        return y;
    }

    internal static Values Run(FormulaCall call, string formula, Values q, Values k, Values v)
    {
        HeadSizes sizes = HeadSizes.Of(formula, q, k, v);
        AttentionScore score = AttentionScore.Read(call, formula, sizes);
        ScoreShape shape = score.Shape;
        if (ScoredEvaluation.NeedsDouble(sizes, q, k, v))
        {
            Values exact = ScoredEvaluation.RunInDouble(call, sizes, score);
            if (call.Backward(exact, out _))
                shape.SendGradients(call);
            return exact;
        }
        Values y = new(sizes.Batch, sizes.Heads, sizes.Queries, sizes.ValueWidth);
        float[] logs = new float[sizes.Rows];
        if (shape.IsEmpty)
            HeadAttention.Forward(sizes, score.Mask, q, k, v, y, logs);
        else
            HeadAttention.Forward(sizes, score.Mask, shape, q, k, v, y, logs);
        if (call.Backward(y, out float[]? dy) && shape.IsEmpty)
            HeadAttention.Backward(sizes, score.Mask, q, k, v, y, logs, dy, call.Gradient("q"), call.Gradient("k"), call.Gradient("v"));
        else if (dy is not null)
        {
            HeadAttention.Backward(sizes, score.Mask, shape, q, k, v, y, logs, dy, call.Gradient("q"), call.Gradient("k"), call.Gradient("v"));
            shape.SendGradients(call);
        }
        return y;
    }
}
