namespace Lemma.Formulas;

/// <summary>L = (1/n)·Σ (ln Σ e^z)².</summary>
/// <remarks>z: [tokens, experts]; keeps router logits small. Zoph et al. 2022, ST-MoE, eq. 5.</remarks>
public static class RouterZLoss
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "router_z_loss",
        Group = "Experts",
        Text = "L = (1/n)·Σ (ln(Σ e^z))²",
        Latex = @"L = \frac{1}{n}\sum_{t=1}^{n}\left(\ln\sum_i e^{z_{ti}}\right)^2",
        Shapes = "logits (z): [tokens, experts]; L: []",
        Symbols = "keeps logits small",
        Source = "Zoph et al. 2022, ST-MoE, eq. 5",
        Gradient = "dz += 2·ln(Σ e^z)·softmax(z)/n·dL",
        Example = "logits[12,5]",
        Evaluate = Evaluate,
    };

    /// <summary>L.</summary>
    public static double Forward(ReadOnlySpan<float> logits, int experts)
    {
        Check.Rows("router_z_loss", logits.Length, experts);
        double sum = 0;
        for (int at = 0; at < logits.Length; at += experts)
        {
            double log = CrossEntropy.LogSumExp(logits.Slice(at, experts));
            sum += log * log;
        }
        return sum * experts / Math.Max(1, logits.Length);
    }

    /// <summary>dz += 2·ln Σ e^z·softmax(z)/n·dL.</summary>
    public static void Backward(ReadOnlySpan<float> logits, int experts, double dy, Span<float> dlogits)
    {
        Check.SameLength("router_z_loss", logits.Length, dlogits.Length);
        float[] p = new float[experts];
        for (int at = 0; at < logits.Length; at += experts)
        {
            Softmax.Forward(logits.Slice(at, experts), experts, 1, p);
            Lanes.AddScaled(p, (float)(2 * dy * experts / logits.Length * CrossEntropy.LogSumExp(logits.Slice(at, experts))),
                dlogits.Slice(at, experts));
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logits = call.Input("logits", -1, -1), y = Values.Scalar(Forward(logits, logits.Columns));
        if (call.Backward(y, out float[]? dy))
            Backward(logits, logits.Columns, dy[0], call.Gradient("logits"));
        return y;
    }
}
