using Lemma.Formulas;

namespace Lemma.Weights;

/// <summary>What a parameter holds before training: a constant, or normal numbers of a deviation.</summary>
/// <param name="Constant">The mean.</param>
/// <param name="Deviation">0 for the constant alone.</param>
/// <param name="RateScale">What an optimizer multiplies the learning rate with for this parameter.</param>
internal readonly record struct FirstValue(double Constant, double Deviation, float RateScale = 1)
{
    // Streams of its own: orders of windows are drawn from those of small numbers.
    private const ulong Stream = 0x696E6974_00000000;

    public static FirstValue Zero => default(FirstValue) with { RateScale = 1 };

    public static FirstValue One => new(1, 0);

    public static FirstValue Normal(double deviation) => new(0, deviation);

    /// <summary>Fills every parameter. Each has its own stream, so its numbers depend on the seed and its place alone.</summary>
    public static void Draw(Parameters parameters, ulong seed)
    {
        for (int index = 0; index < parameters.All.Count; index++)
        {
            Parameter parameter = parameters.All[index];
            FirstValue first = parameter.First;
            Span<float> weights = parameters.Weights(parameter);
            parameter.RateScale = first.RateScale;
            if (first.Deviation == 0)
            {
                weights.Fill((float)first.Constant);
                continue;
            }
            Philox generator = new(seed, Stream + (ulong)index);
            for (int i = 0; i < weights.Length; i++)
                weights[i] = (float)(first.Deviation * generator.Normal((ulong)i));
        }
    }
}
