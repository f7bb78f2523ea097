using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>The numbers of AdamW.</summary>
public sealed record AdamWOptions : OptimizerOptions
{
    /// <summary>β₁ in [0, 1).</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>β₂ in [0, 1).</summary>
    public float Beta2 { get; init; } = 0.95f;

    /// <summary>ε, outside the root.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <inheritdoc/>
    public override Optimizer Make(Parameters parameters, Workers workers) => new AdamWOptimizer(parameters, workers, this);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1, $"adamw: betas must be in [0, 1), but they are {Beta1} and {Beta2}");
        Require.That(Epsilon > 0, $"adamw: epsilon must be positive, but it is {Epsilon}");
    }
}

/// <summary>AdamW: two moments a parameter, weight decay beside the step.</summary>
public sealed class AdamWOptimizer(Parameters parameters, Workers workers, AdamWOptions options) : Optimizer(parameters, workers, options, moments: 2)
{
    /// <inheritdoc/>
    public override IEnumerable<StateTensor> State => [.. FirstMoments, .. SecondMoments(_ => true)];

    private protected override void Update(in Piece piece, double learningRate, float gradientScale) =>
        AdamW.Step(new AdamW.Numbers((float)learningRate, options.Beta1, options.Beta2, options.Epsilon, piece.Decay, StepsTaken, gradientScale),
            WeightsOf(piece), GradientsOf(piece), FirstOf(piece), SecondOf(piece));
}
