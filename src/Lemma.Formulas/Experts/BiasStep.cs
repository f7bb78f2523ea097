namespace Lemma.Formulas;

/// <summary>
/// b_i += γ·sign(c̄ − c_i): the selection bias of an expert rises while its load c_i is below the mean c̄, and falls above it.
/// </summary>
/// <remarks>
/// b, c: [experts]; balances without a loss, so no gradient disturbs the model. Wang et al. 2024, Auxiliary-loss-free load balancing,
/// algorithm 1.
/// </remarks>
public static class BiasStep
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "router_bias_step",
        Group = "Experts",
        Text = "b_i = b_i + γ·sign(c̄ − c_i)",
        Latex = @"b_i\leftarrow b_i + \gamma\cdot\mathrm{sign}\left(\bar c - c_i\right)",
        Shapes = "bias (b), loads (c): [experts]",
        Symbols = "γ: gamma; c: tokens of each expert, c̄ their mean",
        Source = "Wang et al. 2024, Auxiliary-loss-free load balancing strategy, algorithm 1",
        Gradient = "None: the bias is stepped, not trained",
        Notes = "The bias picks experts and does not weigh them.",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "bias[5] loads:3,9,0,4,4 gamma=0.001",
        Evaluate = Evaluate,
    };

    /// <summary>One step.</summary>
    public static void Step(ReadOnlySpan<float> loads, double gamma, Span<float> bias)
    {
        Check.SameLength("router_bias_step", loads.Length, bias.Length);
        double mean = 0;
        foreach (float load in loads)
            mean += (double)load / loads.Length;
        for (int i = 0; i < bias.Length; i++)
            bias[i] += (float)(gamma * (mean > loads[i] ? 1 : mean < loads[i] ? -1 : mean - loads[i]));
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values bias = call["bias"], loads = call.Same("loads", bias), y = new(bias.Shape, [.. bias.Data]);
        Step(loads, call.Number("gamma", 0.001), y);
        return y;
    }
}
