namespace Lemma.Formulas;

/// <summary>θ −= η·m̂/(√v̂ + ε): <see cref="AdamW"/> without decay.</summary>
/// <remarks>m = β₁m + (1 − β₁)g; v = β₂v + (1 − β₂)g²; m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ). Kingma and Ba 2014, algorithm 1.</remarks>
public static class Adam
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "adam",
        Group = "Optimizers",
        Text = "θ = θ − η·m̂/(√v̂ + ε), m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
        Latex = """
            \theta\leftarrow\theta - \eta\cdot\frac{\hat m}{\sqrt{\hat v} + \varepsilon}
            \hat m = \frac{m}{1 - \beta_1^t}\qquad\hat v = \frac{v}{1 - \beta_2^t}
            """,
        Shapes = "parameter (θ): [n]; gradients (g): [steps, n]",
        Symbols = "m = β₁·m + (1 − β₁)·g; v = β₂·v + (1 − β₂)·g²",
        Source = "Kingma and Ba 2014, Adam, algorithm 1",
        Gradient = "None: it applies gradients, nothing is differentiated through it",
        Notes = "ε stands outside the root, and the step is subtracted (correction 1).",
        IsDifferentiable = false,
        Example = "parameter[6] gradients[10,6] learning_rate=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>One step: that of <see cref="AdamW"/> with λ = 0.</summary>
    public static void Step(in AdamW.Numbers step, Span<float> parameters, ReadOnlySpan<float> gradients, Span<float> m, Span<float> v) =>
        AdamW.Step(step with { WeightDecay = 0 }, parameters, gradients, m, v);

    private static Values Evaluate(FormulaCall call) => Run(call, "adam", 0);

    internal static Values EvaluateDecayed(FormulaCall call) => Run(call, "adamw", call.Number("weight_decay", 0.01));

    private static Values Run(FormulaCall call, string formula, double decay)
    {
        double rate = GivenGradients.Rate(call, formula), beta1 = call.Number("beta1", 0.9), beta2 = call.Number("beta2", 0.999);
        Check.That(beta1 is >= 0 and < 1 && beta2 is >= 0 and < 1, formula,
            $"β₁ and β₂ must lie in [0, 1), but they are {beta1} and {beta2}");
        float epsilon = (float)call.Number("epsilon", 1e-8);
        float[] m = new float[call["parameter"].Count], v = new float[m.Length];
        return GivenGradients.Run(call, (t, parameters, gradients) => AdamW.Step(
            new AdamW.Numbers((float)rate, (float)beta1, (float)beta2, epsilon, (float)decay, t, 1), parameters, gradients, m, v));
    }
}
