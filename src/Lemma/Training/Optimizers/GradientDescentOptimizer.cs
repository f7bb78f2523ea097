using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>The numbers of gradient descent.</summary>
public sealed record GradientDescentOptions : OptimizerOptions
{
    /// <summary>μ in [0, 1): how much of the last step goes on; 0 for plain descent.</summary>
    public double Momentum { get; init; }

    /// <inheritdoc/>
    public override Optimizer Make(Parameters parameters, Workers workers) => new GradientDescentOptimizer(parameters, workers, this);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(Momentum is >= 0 and < 1, $"sgd: the momentum must be in [0, 1), but it is {Momentum}");
    }
}

/// <summary>Gradient descent, with a velocity where there is momentum; weight decay beside the step.</summary>
public sealed class GradientDescentOptimizer(Parameters parameters, Workers workers, GradientDescentOptions options)
    : Optimizer(parameters, workers, options, moments: options.Momentum > 0 ? 1 : 0)
{
    /// <inheritdoc/>
    public override IEnumerable<StateTensor> State => options.Momentum == 0 ? [] : FirstMoments;

    private protected override void Update(in Piece piece, double learningRate, float gradientScale)
    {
        Span<float> gradients = ScaledGradientsOf(piece, gradientScale);
        Decay(piece, learningRate);
        if (options.Momentum > 0)
            Momentum.Step(learningRate, options.Momentum, WeightsOf(piece), gradients, FirstOf(piece));
        else
            GradientDescent.Step(learningRate, WeightsOf(piece), gradients);
    }
}
