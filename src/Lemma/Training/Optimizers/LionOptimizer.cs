using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>The numbers of Lion; its rates are a third to a tenth of AdamW's, its decay as many times larger.</summary>
public sealed record LionOptions : OptimizerOptions
{
    /// <summary>β₁ in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂ in [0, 1).</summary>
    public double Beta2 { get; init; } = 0.99;

    /// <inheritdoc/>
    public override Optimizer Make(Parameters parameters, Workers workers) => new LionOptimizer(parameters, workers, this);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1, $"lion: betas must be in [0, 1), but they are {Beta1} and {Beta2}");
    }
}

/// <summary>Lion: the sign of an average, one moment a parameter.</summary>
public sealed class LionOptimizer(Parameters parameters, Workers workers, LionOptions options) : Optimizer(parameters, workers, options, moments: 1)
{
    /// <inheritdoc/>
    public override IEnumerable<StateTensor> State => FirstMoments;

    private protected override void Update(in Piece piece, double learningRate, float gradientScale) =>
        Lion.Step(learningRate, options.Beta1, options.Beta2, piece.Decay, WeightsOf(piece), ScaledGradientsOf(piece, gradientScale), FirstOf(piece));
}
