using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>Draws the first weights of a model.</summary>
internal static class Initialization
{
    // Streams of its own: orders of windows are drawn from those of small numbers.
    private const ulong Stream = 0x696E6974_00000000;
    private const float LastGain = 0.1f, LastGainRate = 60;

    /// <summary>Normal with deviation 1/√d, divided by √(2·layers) where a branch joins the residual stream; 2/√d for embeddings;
    /// gains 1, biases 0;
    /// the last gain is 0.1, and learns 60 times as fast.</summary>
    /// <remarks>
    /// The last gain makes the first logits so small that the first loss is ln V; with a gain of 1 and a tied head their deviation is 2, and the
    /// first loss 2 nats more. At the common rate such a gain holds a model back. Each parameter has its own stream, so its numbers depend on
    /// the seed and its place alone. A fixed deviation of 0.02 suits widths near 2,000; at width 128 attention starts so flat that a model takes
    /// long to learn to look back (docs/log.md).
    /// </remarks>
    public static void Draw(Parameters parameters, int layers, int width, ulong seed)
    {
        for (int index = 0; index < parameters.All.Count; index++)
        {
            Parameter parameter = parameters.All[index];
            Span<float> weights = parameters.Weights(parameter);
            if (parameter.Shape.Rank == 1)
            {
                bool isLast = parameter.Name == "norm.weight";
                weights.Fill(parameter.Name.EndsWith(".bias", StringComparison.Ordinal) ? 0 : isLast ? LastGain : 1);
                parameter.RateScale = isLast ? LastGainRate : 1;
                continue;
            }
            bool joins = parameter.Name.EndsWith("attention.output.weight", StringComparison.Ordinal)
                || parameter.Name.EndsWith("feed_forward.down.weight", StringComparison.Ordinal);
            bool embeds = parameter.Name is "embedding.weight" or "positions.weight";
            double deviation = (embeds ? 2 : joins ? 1 / Math.Sqrt(2.0 * layers) : 1) / Math.Sqrt(width);
            Philox generator = new(seed, Stream + (ulong)index);
            for (int i = 0; i < weights.Length; i++)
                weights[i] = (float)(deviation * generator.Normal((ulong)i));
        }
    }
}
