using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>The numbers of Adam; its weight decay is λ·θ added to the gradient, as it was before AdamW.</summary>
public sealed record AdamOptions : OptimizerOptions
{
    /// <summary>Adam without decay.</summary>
    public AdamOptions() => WeightDecay = 0;

    /// <summary>β₁ in [0, 1).</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>β₂ in [0, 1).</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>ε, outside the root.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <inheritdoc/>
    public override Optimizer Make(Parameters parameters, Workers workers) => new AdamOptimizer(parameters, workers, this);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1, $"adam: betas must be in [0, 1), but they are {Beta1} and {Beta2}");
        Require.That(Epsilon > 0, $"adam: epsilon must be positive, but it is {Epsilon}");
    }
}

/// <summary>Adam: two moments a parameter.</summary>
public sealed class AdamOptimizer(Parameters parameters, Workers workers, AdamOptions options) : Optimizer(parameters, workers, options, moments: 2)
{
    /// <inheritdoc/>
    public override IEnumerable<StateTensor> State => [.. FirstMoments, .. SecondMoments(_ => true)];

    private protected override void Update(in Piece piece, double learningRate, float gradientScale)
    {
        Span<float> gradients = ScaledGradientsOf(piece, gradientScale);
        if (piece.Decay != 0)
            Lanes.AddScaled(WeightsOf(piece), piece.Decay, gradients);
        Adam.Step(new AdamW.Numbers((float)learningRate, options.Beta1, options.Beta2, options.Epsilon, 0, StepsTaken, 1),
            WeightsOf(piece), gradients, FirstOf(piece), SecondOf(piece));
    }
}
