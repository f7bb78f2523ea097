namespace Lemma.Formulas;

/// <summary>Runs an optimizer over gradients that are given: a row a step.</summary>
internal static class GivenGradients
{
    /// <summary>One step: t from 1.</summary>
    public delegate void Step(int t, Span<float> parameters, ReadOnlySpan<float> gradients);

    /// <summary>The parameter after every row of gradients.</summary>
    public static Values Run(FormulaCall call, Step step)
    {
        Values parameter = call["parameter"], gradients = call["gradients"], y = parameter.Like();
        if (parameter.Count == 0 || gradients.Count % parameter.Count != 0)
            throw call.Error($"the gradients {gradients} must be rows of as many numbers as the parameter {parameter} has");
        parameter.Data.CopyTo(y.Data, 0);
        for (int t = 1; t <= gradients.Count / parameter.Count; t++)
            step(t, y, gradients.Data.AsSpan((t - 1) * parameter.Count, parameter.Count));
        return y;
    }

    /// <summary>The learning rate, which must not be negative.</summary>
    public static double Rate(FormulaCall call, string formula)
    {
        double rate = call.Number("learning_rate");
        Check.That(rate >= 0, formula, $"the learning rate must not be negative, but it is {rate}");
        return rate;
    }
}
