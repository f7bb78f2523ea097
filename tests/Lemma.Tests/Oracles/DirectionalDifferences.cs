using Lemma.Formulas;
using Lemma.Models;
using Lemma.Weights;

namespace Lemma.Tests.Oracles;

/// <summary>Holds gradients of a whole model to differences of its loss.</summary>
internal static class DirectionalDifferences
{
    /// <summary>Compares the gradient of every parameter of the blocks with a central difference along a random direction v, so that one sees all of it.</summary>
    /// <param name="model">The model, whose gradients are there.</param>
    /// <param name="step">How far the weights move, |h·v|.</param>
    /// <param name="tolerance">What a difference may be off by, of |v|, besides a fiftieth of itself.</param>
    /// <param name="loss">The loss at the present weights.</param>
    public static void CheckBlocks(Decoder model, double step, double tolerance, Func<double> loss)
    {
        Philox random = new(5);
        ulong draw = 0;
        foreach (Parameter parameter in model.Parameters.All.Where(parameter => parameter.Name.StartsWith("blocks", StringComparison.Ordinal)))
        {
            float[] before = model.Parameters.Weights(parameter).ToArray(), direction = [.. before.Select(_ => (float)random.Normal(draw++))];
            double slope = model.Parameters.Gradients(parameter).ToArray().Zip(direction, (g, v) => (double)g * v).Sum();
            double size = Math.Sqrt(direction.Sum(v => (double)v * v)), h = step / size;
            double difference = (At(h) - At(-h)) / (2 * h);
            before.CopyTo(model.Parameters.Weights(parameter));
            Assert.True(Math.Abs(difference - slope) < tolerance * size + 2e-2 * Math.Abs(slope),
                $"{parameter.Name}: {difference:E3} by differences, {slope:E3} by backward");

            double At(double by)
            {
                Span<float> weights = model.Parameters.Weights(parameter);
                for (int i = 0; i < before.Length; i++)
                    weights[i] = (float)(before[i] + by * direction[i]);
                return loss();
            }
        }
    }
}
