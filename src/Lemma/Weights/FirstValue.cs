using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Weights;

/// <summary>What a parameter holds before training: a constant, or normal numbers of a deviation.</summary>
/// <param name="Constant">The mean.</param>
/// <param name="Deviation">0 for the constant alone.</param>
/// <param name="RateScale">What an optimizer multiplies the learning rate with for this parameter.</param>
/// <param name="Joins">Whether it is of a matrix that joins the residual stream.</param>
internal readonly record struct FirstValue(double Constant, double Deviation, float RateScale = 1, bool Joins = false)
{
    // Streams of its own: orders of windows are drawn from those of small numbers.
    private const ulong Stream = 0x696E6974_00000000;

    // Numbers that a thread draws at a time.
    private const int Block = 1 << 14;

    public static FirstValue Zero => default(FirstValue) with { RateScale = 1 };

    public static FirstValue One => new(1, 0);

    public static FirstValue Normal(double deviation) => new(0, deviation);

    /// <summary>Fills every parameter. Each has its own stream, so its numbers depend on the seed and its place alone; threads share blocks of them.</summary>
    public static void Draw(Parameters parameters, ulong seed, Workers workers)
    {
        List<(Parameter Parameter, ulong Stream, int First)> blocks = [];
        for (int index = 0; index < parameters.All.Count; index++)
        {
            Parameter parameter = parameters.All[index];
            parameter.RateScale = parameter.First.RateScale;
            if (parameter.First.Deviation == 0)
            {
                parameters.Weights(parameter).Fill((float)parameter.First.Constant);
                continue;
            }
            for (long first = 0; first < parameter.Count; first += Block)
                blocks.Add((parameter, Stream + (ulong)index, checked((int)first)));
        }
        workers.Run(blocks.Count, (parameters, seed, blocks), static (in s, index) =>
        {
            (Parameter parameter, ulong stream, int first) = s.blocks[index];
            Philox generator = new(s.seed, stream);
            Span<float> weights = s.parameters.Weights(parameter);
            int end = Math.Min(weights.Length, first + Block);
            for (int i = first; i < end; i++)
                weights[i] = (float)(parameter.First.Deviation * generator.Normal((ulong)i));
        });
    }

    /// <summary>The same with a thread for each processor, as far as there are blocks for them.</summary>
    public static void Draw(Parameters parameters, ulong seed)
    {
        using Workers workers = new((int)Math.Clamp(parameters.Count / Block, 1, Environment.ProcessorCount));
        Draw(parameters, seed, workers);
    }
}
