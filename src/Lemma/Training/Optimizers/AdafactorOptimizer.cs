using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>The numbers of Adafactor.</summary>
public sealed record AdafactorOptions : OptimizerOptions
{
    /// <summary>d: the largest mean square of an update, as a root.</summary>
    public double UpdateClip { get; init; } = 1;

    /// <summary>ε₁, added to squares.</summary>
    public double Epsilon { get; init; } = 1e-30;

    /// <inheritdoc/>
    public override Optimizer Make(Parameters parameters, Workers workers) => new AdafactorOptimizer(parameters, workers, this);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(UpdateClip > 0, $"adafactor: the clip of updates must be positive, but it is {UpdateClip}");
        Require.That(Epsilon > 0, $"adafactor: epsilon must be positive, but it is {Epsilon}");
    }
}

/// <summary>Adafactor: of the second moment of a matrix only the means of rows and columns are kept; of a vector each element.</summary>
public sealed class AdafactorOptimizer(Parameters parameters, Workers workers, AdafactorOptions options)
    : WholeMatrixOptimizer(parameters, workers, options, moments: 0)
{
    private readonly Dictionary<Parameter, (float[] Rows, float[] Columns)> means = parameters.All.Where(parameter => parameter.Learns)
        .ToDictionary(parameter => parameter, parameter => (new float[parameter.Shape.Rows], new float[parameter.Shape.Columns]));

    /// <inheritdoc/>
    public override IEnumerable<StateTensor> State => means.SelectMany(pair => (StateTensor[])
    [
        new($"row_means.{pair.Key.Name}", [pair.Value.Rows.Length], () => pair.Value.Rows),
        new($"column_means.{pair.Key.Name}", [pair.Value.Columns.Length], () => pair.Value.Columns),
    ]);

    private protected override bool TakesWhole(Parameter parameter) => true;

    private protected override void UpdateWhole(in Piece whole, double learningRate, float gradientScale)
    {
        Span<float> gradients = ScaledGradientsOf(whole, gradientScale);
        Decay(whole, learningRate);
        (float[] rows, float[] columns) = means[whole.Parameter];
        Adafactor.Step(learningRate, (int)StepsTaken, options.UpdateClip, options.Epsilon, WeightsOf(whole), gradients, rows, columns);
    }

    private protected override void Update(in Piece piece, double learningRate, float gradientScale) =>
        throw new InvalidOperationException("adafactor: it steps whole parameters");
}
