using System.Globalization;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>Finds where numbers stopped being finite.</summary>
internal static class FiniteCheck
{
    /// <summary>A sentence about the first weight, or else the first gradient, that is not finite, in the order of the forward
    /// pass.</summary>
    public static string Describe(Parameters parameters) => First(parameters, "weight", parameters.Weights)
        ?? First(parameters, "gradient", parameters.Gradients) ?? "every weight and every gradient is finite";

    private static string? First(Parameters parameters, string what, Func<Parameter, Span<float>> values)
    {
        foreach (Parameter parameter in parameters.All)
        {
            Span<float> span = values(parameter);
            for (int i = 0; i < span.Length; i++)
            {
                if (!float.IsFinite(span[i]))
                    return string.Create(CultureInfo.InvariantCulture,
                        $"the first {what} that is not finite is {span[i]} at element {i} of '{parameter.Name}'");
            }
        }
        return null;
    }
}
