using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>y_i = (A_i − mean A)/√(s² + ε) over all tokens: mean 0 and variance 1.</summary>
/// <remarks>A, y: any one shape; s² divides by N − 1. Andrychowicz et al. 2020, What matters in on-policy reinforcement learning.</remarks>
public static class WhitenedAdvantage
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "whitened_advantages",
        Group = "Preference",
        Text = "y_i = (A_i − Ā)/√(s² + ε)",
        Latex = @"y_i = \frac{A_i - \bar A}{\sqrt{s^2 + \varepsilon}}\qquad s^2 = \frac{1}{N - 1}\sum_{i=1}^{N}\left(A_i - \bar A\right)^2",
        Shapes = "advantages (A), y: any one shape",
        Symbols = "Ā, s²: mean and variance (over N − 1) of all; ε (epsilon): 1e−8; keep_mean: adds Ā again",
        Source = "Andrychowicz et al. 2020, What matters in on-policy reinforcement learning? A large-scale empirical study",
        Gradient = "None: advantages are constants of the policy gradient",
        Notes = "A single advantage gives 0. What is NaN makes all of them so.",
        IsDifferentiable = false,
        Example = "advantages[3,8]",
        Evaluate = Evaluate,
    };

    /// <summary>y.</summary>
    public static void Forward(ReadOnlySpan<float> advantages, double epsilon, bool keepsMean, Span<float> whitened)
    {
        double[] wide = new double[advantages.Length];
        TensorPrimitives.ConvertChecked(advantages, wide);
        Forward(wide, epsilon, keepsMean, whitened);
    }

    // The mean by the differences from the first, so that numbers that are equal give 0 whatever their size.
    internal static void Forward(ReadOnlySpan<double> advantages, double epsilon, bool keepsMean, Span<float> whitened)
    {
        Check.SameLength("whitened_advantages", advantages.Length, whitened.Length);
        double sum = 0, squares = 0;
        foreach (double advantage in advantages)
            sum += advantage - advantages[0];
        double mean = advantages.IsEmpty ? 0 : advantages[0] + sum / advantages.Length;
        foreach (double advantage in advantages)
            squares += (advantage - mean) * (advantage - mean);
        double scale = 1 / Math.Sqrt(squares / Math.Max(1, advantages.Length - 1) + epsilon);
        for (int i = 0; i < whitened.Length; i++)
            whitened[i] = (float)((advantages[i] - mean) * scale + (keepsMean ? mean : 0));
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values advantages = call["advantages"], y = advantages.Like();
        Forward(advantages, call.Number("epsilon", 1e-8), call.Flag("keep_mean", false), y);
        return y;
    }
}
