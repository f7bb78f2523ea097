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
        Shapes = "logits: [tokens, experts]; L: []",
        Symbols = "E: experts; f: share of assignments, a constant; P: mean probability",
        Source = "Fedus, Zoph and Shazeer 2021, Switch transformers, eq. 4 to 6",
        Gradient = "dp = E·f/tokens·dL, then the softmax",
        Notes = "1 when balanced.",
        Example = "logits[12,5] top_k=2",
        Evaluate = Evaluate,
    };

    /// <summary>L; keeps the probabilities [tokens, E] and f [E] for the backward.</summary>
    public static double Forward(ReadOnlySpan<float> logits, int experts, int topK, Span<float> probabilities, Span<float> shares)
    {
        Check.SameLength("moe_balance_loss", experts, shares.Length);
        Routing.Options options = new(experts, topK);
        Routing.CheckOptions(options);
        int tokens = logits.Length / experts;
        int[] picked = new int[tokens * topK];
        float[] gates = new float[logits.Length];
        Routing.Forward(options, logits, default, gates, probabilities, picked);
        shares.Clear();
        foreach (int expert in picked)
            shares[expert] += 1f / picked.Length;
        double sum = 0;
        for (int i = 0; i < probabilities.Length; i++)
            sum += (double)probabilities[i] * shares[i % experts];
        return sum * experts / tokens;
    }

    /// <summary>dp = E·f/tokens·dL, then the softmax's gradient.</summary>
    public static void Backward(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> shares, double dy, Span<float> dlogits)
    {
        int experts = shares.Length;
        float[] slope = new float[experts];
        System.Numerics.Tensors.TensorPrimitives.Multiply(shares, (float)(dy * experts * experts / probabilities.Length), slope);
        for (int at = 0; at < probabilities.Length; at += experts)
            Softmax.AddRow(probabilities.Slice(at, experts), slope, 1, dlogits.Slice(at, experts));
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
