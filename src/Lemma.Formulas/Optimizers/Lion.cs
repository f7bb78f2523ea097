namespace Lemma.Formulas;

/// <summary>θ −= η·(sign(β₁m + (1 − β₁)g) + λθ), m = β₂m + (1 − β₂)g.</summary>
/// <remarks>
/// θ, g, m: one length. Every weight moves by the same amount. Chen et al. 2023, Symbolic discovery of optimization algorithms, algorithm
/// 2.
/// </remarks>
public static class Lion
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "lion",
        Group = "Optimizers",
        Text = "θ = θ − η·(sign(β₁·m + (1 − β₁)·g) + λ·θ), m = β₂·m + (1 − β₂)·g",
        Latex = """
            \theta\leftarrow\theta - \eta\left(\mathrm{sign}\left(\beta_1 m + (1 - \beta_1) g\right) + \lambda\theta\right)
            m\leftarrow\beta_2 m + (1 - \beta_2) g
            """,
        Shapes = "parameter (θ): [n]; gradients (g): [steps, n]",
        Symbols = "η: learning_rate; β₁ 0.9, β₂ 0.99; λ: weight_decay",
        Source = "Chen et al. 2023, Symbolic discovery of optimization algorithms, algorithm 2",
        Gradient = "None: it applies gradients, nothing is differentiated through it",
        IsDifferentiable = false,
        Example = "parameter[6] gradients[10,6] learning_rate=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>One step.</summary>
    public static void Step(double rate, double beta1, double beta2, double decay, Span<float> parameters, ReadOnlySpan<float> gradients,
        Span<float> m)
    {
        Check.SameLength("lion", parameters.Length, gradients.Length);
        Check.SameLength("lion", parameters.Length, m.Length);
        for (int i = 0; i < m.Length; i++)
        {
            double along = beta1 * m[i] + (1 - beta1) * gradients[i], direction = along > 0 ? 1 : along < 0 ? -1 : along;
            parameters[i] = (float)((1 - rate * decay) * parameters[i] - rate * direction);
            m[i] = (float)(beta2 * m[i] + (1 - beta2) * gradients[i]);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        double rate = GivenGradients.Rate(call, "lion"), beta1 = call.Number("beta1", 0.9), beta2 = call.Number("beta2", 0.99);
        double decay = call.Number("weight_decay", 0);
        float[] m = new float[call["parameter"].Count];
        return GivenGradients.Run(call, (_, parameters, gradients) => Step(rate, beta1, beta2, decay, parameters, gradients, m));
    }
}
