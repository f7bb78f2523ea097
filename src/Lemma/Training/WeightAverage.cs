using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>θ̄ = β·θ̄ + (1 − β)·θ after each step: what is judged and saved as the best, while θ goes on being trained.</summary>
internal sealed unsafe class WeightAverage : IDisposable
{
    private const int ElementsAPart = 1 << 17;
    private readonly Parameters parameters;
    private readonly Workers workers;
    private readonly double beta;
    private readonly NativeBlock average;
    private bool isShown;

    /// <summary>An average that begins with the weights as they are.</summary>
    public WeightAverage(Parameters parameters, Workers workers, double beta)
    {
        (this.parameters, this.workers, this.beta) = (parameters, workers, beta);
        average = new NativeBlock("weight_average", parameters.BlockLength, isCleared: true);
        foreach (Parameter parameter in parameters.All)
            parameters.Weights(parameter).CopyTo(ValuesOf(parameter));
    }

    /// <summary>The average, for a checkpoint.</summary>
    public IEnumerable<StateTensor> State => parameters.All.Select(parameter => StateTensor.Like("average", parameter, () => ValuesOf(parameter)));

    /// <summary>Follows the weights of a step.</summary>
    public void Step()
    {
        Require.That(!isShown, $"weight_average: the average stands in the weights' place");
        int parts = checked((int)((parameters.BlockLength + ElementsAPart - 1) / ElementsAPart));
        workers.Run(parts, this, static (in s, part) =>
        {
            long first = (long)part * ElementsAPart;
            int count = (int)Math.Min(ElementsAPart, s.parameters.BlockLength - first);
            MovingAverage.Step(s.beta, new ReadOnlySpan<float>(s.parameters.WeightsPointer + first, count), new Span<float>(s.average.Pointer + first, count));
        });
    }

    /// <summary>Exchanges the weights and their average: to judge it, and again to go on.</summary>
    public void Exchange()
    {
        isShown = !isShown;
        foreach (Parameter parameter in parameters.All)
        {
            Span<float> weights = parameters.Weights(parameter), values = ValuesOf(parameter);
            for (int i = 0; i < weights.Length; i++)
                (weights[i], values[i]) = (values[i], weights[i]);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => average.Dispose();

    private Span<float> ValuesOf(Parameter parameter) => average.Span(parameter.Offset, parameter.Count);
}
