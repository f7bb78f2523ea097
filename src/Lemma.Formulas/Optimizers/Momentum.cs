using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>v = γ·v + η·g, θ −= v.</summary>
/// <remarks>θ, g, v: one length; γ: momentum in [0, 1); η: learning rate. Polyak 1964, eq. 9; Qian 1999, eq. 6.</remarks>
public static class Momentum
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "sgd_momentum",
        Group = "Optimizers",
        Text = "v = γ·v + η·g, θ = θ − v",
        Latex = @"v\leftarrow\gamma v + \eta g\qquad\theta\leftarrow\theta - v",
        Shapes = "parameter (θ): [n]; gradients (g): [steps, n]",
        Symbols = "γ: momentum in [0, 1); η: learning_rate",
        Source = "Polyak 1964, eq. 9; Qian 1999, eq. 6",
        Gradient = "None: it applies gradients, nothing is differentiated through it",
        IsDifferentiable = false,
        Example = "parameter[6] gradients[10,6] learning_rate=0.01 momentum=0.9",
        Evaluate = Evaluate,
    };

    /// <summary>One step.</summary>
    public static void Step(double rate, double momentum, Span<float> parameters, ReadOnlySpan<float> gradients, Span<float> velocity)
    {
        Check.SameLength("sgd_momentum", parameters.Length, gradients.Length);
        Check.SameLength("sgd_momentum", parameters.Length, velocity.Length);
        TensorPrimitives.Multiply(velocity, (float)momentum, velocity);
        Lanes.AddScaled(gradients, (float)rate, velocity);
        TensorPrimitives.Subtract(parameters, velocity, parameters);
    }

    private static Values Evaluate(FormulaCall call)
    {
        double rate = GivenGradients.Rate(call, "sgd_momentum"), momentum = call.Number("momentum", 0.9);
        Check.That(momentum is >= 0 and < 1, "sgd_momentum", $"the momentum must lie in [0, 1), but it is {momentum}");
        float[] velocity = new float[call["parameter"].Count];
        return GivenGradients.Run(call, (_, parameters, gradients) => Step(rate, momentum, parameters, gradients, velocity));
    }
}
