namespace Lemma.Formulas;

/// <summary>L = E·Σ fᵢ·Pᵢ: f the share of assignments, P the mean probability of each expert.</summary>
/// <remarks>
/// z: [tokens, E]; L: 1 when balanced, at most E. f is a constant. Fedus, Zoph and Shazeer 2021, Switch transformers, eq. 4 to 6.
/// </remarks>
public static class BalanceLoss
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "moe_balance_loss",
        Group = "Experts",
        Text = "L = E·Σ_i f_i·P_i",
        Latex = @"L = E\sum_{i=1}^{E} f_i P_i",
        Shapes = "logits: [tokens, experts]; L: []",
        Symbols = "E: experts; f: share of assignments, a constant; P: mean probability",
        Source = "Fedus, Zoph and Shazeer 2021, Switch transformers, eq. 4 to 6",
        Gradient = "dp = E·f/tokens·dL, then the softmax",
        Notes = "1 when balanced.",
        Example = "logits[12,5] top_k=2",
        Evaluate = Evaluate,
    };

    /// <summary>L; keeps the probabilities [tokens, E] and f [E] for the backward.</summary>
    public static unsafe double Forward(ReadOnlySpan<float> logits, int experts, int topK, Span<float> probabilities, Span<float> shares)
    {
        Check.SameLength("moe_balance_loss", experts, shares.Length);
        Check.SameLength("moe_balance_loss", logits.Length, probabilities.Length);
        Routing.Options options = new(experts, topK);
        Routing.CheckInput(options, logits, default);
        int tokens = logits.Length / experts;
        int[] loads = new int[experts];
        double[] masses = new double[experts];
        SixteenTokens lanes = new(options);
        fixed (float* z = logits, p = probabilities)
        {
            for (int token = 0; token < tokens; token += Lanes.Count)
            {
                int count = Math.Min(Lanes.Count, tokens - token), at = token * experts;
                lanes.Score(z + at, count, p + at);
                lanes.Pick(null);
                lanes.Count(count, loads, masses);
            }
        }
        double sum = 0;
        for (int e = 0; e < experts; e++)
        {
            shares[e] = (float)(loads[e] / ((double)tokens * topK));
            sum += masses[e] * shares[e];
        }
        return sum * experts / tokens;
    }

    /// <summary>dp = E·f/tokens·dL, then the softmax's gradient.</summary>
    public static unsafe void Backward(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> shares, double dy, Span<float> dlogits)
    {
        int experts = shares.Length;
        Check.Rows("moe_balance_loss", probabilities.Length, experts);
        Check.SameLength("moe_balance_loss", probabilities.Length, dlogits.Length);
        int tokens = probabilities.Length / experts;
        SixteenTokens lanes = new(new Routing.Options(experts, 1));
        fixed (float* p = probabilities, f = shares, to = dlogits)
        {
            for (int token = 0; token < tokens; token += Lanes.Count)
            {
                int count = Math.Min(Lanes.Count, tokens - token), at = token * experts;
                lanes.Read(count, p + at, f, (float)(dy * experts / tokens));
                lanes.AddSlopes(count, to + at);
            }
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logits = call.Input("logits", -1, -1), probabilities = logits.Like(), shares = new(logits.Columns);
        Values y = Values.Scalar(Forward(logits, logits.Columns, call.Whole("top_k"), probabilities, shares));
        if (call.Backward(y, out float[]? dy))
            Backward(probabilities, shares, dy[0], call.Gradient("logits"));
        return y;
    }
}
