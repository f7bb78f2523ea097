using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>Draws the first weights of a model.</summary>
internal static class Initialization
{
    /// <summary>Normal with deviation 0.02, divided by √(2·layers) where a branch joins the residual stream; gains 1, biases 0.</summary>
    /// <remarks>Each parameter has its own stream, so its numbers depend on the seed and its place alone.</remarks>
    public static void Draw(Parameters parameters, int layers, ulong seed)
    {
        for (int index = 0; index < parameters.All.Count; index++)
        {
            Parameter parameter = parameters.All[index];
            Span<float> weights = parameters.Weights(parameter);
            if (parameter.Shape.Rank == 1)
            {
                weights.Fill(parameter.Name.EndsWith(".bias", StringComparison.Ordinal) ? 0 : 1);
                continue;
            }
            bool joins = parameter.Name.EndsWith("attention.output.weight", StringComparison.Ordinal)
                || parameter.Name.EndsWith("feed_forward.down.weight", StringComparison.Ordinal);
            double deviation = joins ? 0.02 / Math.Sqrt(2.0 * layers) : 0.02;
            Philox generator = new(seed, (ulong)index);
            for (int i = 0; i < weights.Length; i++)
                weights[i] = (float)(deviation * generator.Normal((ulong)i));
        }
    }
}
