namespace Lemma.Formulas;

/// <summary>L = −Σ_t ln p(x_{t+1} | x_1 … x_t), as a sum or a mean; the shift by one lives here.</summary>
/// <remarks>logits: [batch, length, V]; ids: [batch, length]: logits at t predict the id at t + 1. Radford et al. 2018, eq. 1.</remarks>
public static class CausalLanguageModel
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "causal_lm_nll",
        Group = "Losses",
        Text = "L = −Σ_t ln p(x_{t+1} | x_{≤t})",
        Latex = @"L = -\sum_t\ln p\left(x_{t+1}\mid x_{\le t}\right)",
        Shapes = "logits: [batch, length, V]; ids: [batch, length]; L: []",
        Symbols = "reduction mean or sum; L in nats (a token)",
        Source = "Bengio et al. 2003, eq. 1; Radford et al. 2018, eq. 1",
        Gradient = "dz += (softmax(z_t) − 1 at x_{t+1})·dL, over the count for a mean",
        Notes = "Logits at t predict the id at t + 1; the last place of each sequence predicts nothing.",
        Example = "logits[2,6,17] ids[2,6]%17 reduction=mean",
        Evaluate = Evaluate,
    };

    /// <summary>The targets of a batch of ids: the next id, −100 at the end of each sequence.</summary>
    public static int[] Targets(ReadOnlySpan<int> ids, int length)
    {
        Check.Rows("causal_lm_nll", ids.Length, length);
        int[] targets = new int[ids.Length];
        for (int i = 0; i < ids.Length; i++)
            targets[i] = (i + 1) % length == 0 ? CrossEntropy.Ignore : ids[i + 1];
        return targets;
    }

    /// <summary>The sum over predicted ids, and how many there are.</summary>
    public static (double Sum, double Count) Forward(ReadOnlySpan<float> logits, ReadOnlySpan<int> ids, int length, int classes) =>
        WeightedCrossEntropy.Forward(logits, Targets(ids, length), classes, 0, default, CrossEntropy.Ignore);

    /// <summary>dz += (softmax(z_t) − 1 at x_{t+1})·scale, 0 at the last place of each sequence.</summary>
    public static void Backward(ReadOnlySpan<float> logits, ReadOnlySpan<int> ids, int length, int classes, double scale,
        Span<float> dlogits) =>
        WeightedCrossEntropy.Backward(logits, Targets(ids, length), classes, 0, default, CrossEntropy.Ignore, scale, dlogits);

    private static Values Evaluate(FormulaCall call)
    {
        Values logits = call.Input("logits", -1, -1, -1), ids = call.Input("ids", logits.Shape[0], logits.Shape[1]);
        int[] whole = call.Integers("ids");
        (double sum, double count) = Forward(logits, whole, ids.Columns, logits.Columns);
        string reduction = call.Word("reduction", "mean");
        Check.That(reduction is "mean" or "sum", "causal_lm_nll", $"the reduction must be mean or sum, but it is {reduction}");
        double divisor = reduction == "mean" ? Math.Max(1, count) : 1;
        Values y = Values.Scalar(sum / divisor);
        if (call.Backward(y, out float[]? dy))
            Backward(logits, whole, ids.Columns, logits.Columns, dy[0] / divisor, call.Gradient("logits"));
        return y;
    }
}
