namespace Lemma.Formulas;

/// <summary>θ̄ = β·θ̄ + (1 − β)·θ after every step.</summary>
/// <remarks>average, and parameters [steps, n] in order. Polyak and Juditsky 1992; Tarvainen and Valpola 2017, eq. 2.</remarks>
public static class MovingAverage
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "exponential_moving_average",
        Group = "Optimizers",
        Text = "θ̄ = β·θ̄ + (1 − β)·θ",
        Latex = @"\bar\theta\leftarrow\beta\bar\theta + (1 - \beta)\theta",
        Shapes = "average (θ̄): [n]; parameters (θ): [steps, n]",
        Symbols = "β in [0, 1]",
        Source = "Polyak and Juditsky 1992; Tarvainen and Valpola 2017, eq. 2",
        Gradient = "None: it follows weights",
        IsDifferentiable = false,
        Example = "average[6] parameters[10,6] beta=0.9",
        Evaluate = Evaluate,
    };

    /// <summary>One step.</summary>
    public static void Step(double beta, ReadOnlySpan<float> parameters, Span<float> average)
    {
        Check.SameLength("exponential_moving_average", parameters.Length, average.Length);
        for (int i = 0; i < average.Length; i++)
            average[i] = (float)(beta * average[i] + (1 - beta) * parameters[i]);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values average = call["average"], parameters = call.Input("parameters", -1, average.Count), y = new(average.Shape,
            [.. average.Data]);
        double beta = call.Number("beta", 0.999);
        Check.That(beta is >= 0 and <= 1, "exponential_moving_average", $"β must lie in [0, 1], but it is {beta}");
        for (int step = 0; step < parameters.Shape[0]; step++)
            Step(beta, parameters.Data.AsSpan(step * average.Count, average.Count), y);
        return y;
    }
}
