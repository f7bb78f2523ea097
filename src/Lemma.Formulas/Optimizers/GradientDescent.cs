namespace Lemma.Formulas;

/// <summary>θ −= α·∇J.</summary>
/// <remarks>θ, ∇J: one length; α: learning rate. Cauchy 1847; Robbins and Monro 1951, eq. 3.</remarks>
public static class GradientDescent
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "gradient_descent",
        Group = "Optimizers",
        Text = "θ = θ − α·∇J",
        Latex = @"\theta\leftarrow\theta - \alpha\nabla J(\theta)",
        Shapes = "parameter (θ): [n]; gradients: [steps, n]",
        Symbols = "α: learning_rate",
        Source = "Cauchy 1847; Robbins and Monro 1951, eq. 3",
        Gradient = "None: it applies gradients, nothing is differentiated through it",
        IsDifferentiable = false,
        Example = "parameter[6] gradients[10,6] learning_rate=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>One step.</summary>
    public static void Step(double rate, Span<float> parameters, ReadOnlySpan<float> gradients)
    {
        Check.SameLength("gradient_descent", parameters.Length, gradients.Length);
        Lanes.AddScaled(gradients, (float)-rate, parameters);
    }

    private static Values Evaluate(FormulaCall call)
    {
        double rate = GivenGradients.Rate(call, "gradient_descent");
        return GivenGradients.Run(call, (_, parameters, gradients) => Step(rate, parameters, gradients));
    }
}
