using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>The numbers of Muon for the matrices of blocks, and of AdamW for the rest: embeddings, heads, norms, biases.</summary>
public sealed record MuonOptions : OptimizerOptions
{
    /// <summary>Muon without decay.</summary>
    public MuonOptions() => WeightDecay = 0;

    /// <summary>μ in [0, 1).</summary>
    public double Momentum { get; init; } = 0.95;

    /// <summary>Whether a step looks one step of the momentum ahead.</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>What the learning rate is multiplied with for the rest, whose steps have another size.</summary>
    public double RestRateScale { get; init; } = 0.15;

    /// <summary>AdamW's numbers for the rest.</summary>
    public float Beta1 { get; init; } = 0.8f;

    /// <summary>β₂ of the rest.</summary>
    public float Beta2 { get; init; } = 0.95f;

    /// <summary>ε of the rest.</summary>
    public float Epsilon { get; init; } = 1e-10f;

    /// <inheritdoc/>
    public override Optimizer Make(Parameters parameters, Workers workers) => new MuonOptimizer(parameters, workers, this);

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(Momentum is >= 0 and < 1, $"muon: the momentum must be in [0, 1), but it is {Momentum}");
        Require.That(RestRateScale >= 0 && double.IsFinite(RestRateScale), $"muon: the scale of the rest's rate must not be negative, but it is {RestRateScale}");
        Require.That(Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1, $"muon: betas must be in [0, 1), but they are {Beta1} and {Beta2}");
        Require.That(Epsilon > 0, $"muon: epsilon must be positive, but it is {Epsilon}");
    }
}

/// <summary>Muon: matrices of blocks move along U·Vᵀ of their momentum; stacked ones, as queries, keys and values, each alone.</summary>
public sealed class MuonOptimizer(Parameters parameters, Workers workers, MuonOptions options)
    : WholeMatrixOptimizer(parameters, workers, options, moments: 2)
{
    /// <inheritdoc/>
    public override IEnumerable<StateTensor> State => [.. FirstMoments, .. SecondMoments(parameter => !TakesWhole(parameter))];

    /// <summary>The operations of the products of each parameter that is stepped as a whole, in the order in which threads take them.</summary>
    internal IReadOnlyList<double> ProductOperations =>
        [.. Wholes.Select(parameter => MatricesOf(parameter).Sum(rows => Muon.Operations(rows, parameter.Shape.Columns)))];

    private protected override bool TakesWhole(Parameter parameter) => parameter.Shape.Rank >= 2 && parameter.Name.Contains("blocks.", StringComparison.Ordinal);

    private protected override void UpdateWhole(in Piece whole, double learningRate, float gradientScale)
    {
        Span<float> weights = WeightsOf(whole), gradients = ScaledGradientsOf(whole, gradientScale), momentum = FirstOf(whole);
        Muon.Numbers numbers = new(learningRate, options.Momentum, options.Nesterov, whole.Decay);
        Parameter parameter = whole.Parameter;
        int columns = parameter.Shape.Columns, first = 0;
        foreach (int rows in MatricesOf(parameter))
        {
            Range range = first..(first += rows * columns);
            Muon.Step(numbers, rows, weights[range], gradients[range], momentum[range]);
        }
    }

    // The rows of each matrix of a parameter: of a stack of experts, and of queries, keys and values in one.
    private static IEnumerable<int> MatricesOf(Parameter parameter)
    {
        int matrices = parameter.Shape.Rank == 3 ? parameter.Shape[0] : 1;
        IReadOnlyList<int> stack = parameter.Stack.Count > 0 ? parameter.Stack : [parameter.Shape[^2]];
        return Enumerable.Range(0, matrices).SelectMany(_ => stack);
    }

    private protected override void Update(in Piece piece, double learningRate, float gradientScale) =>
        AdamW.Step(new AdamW.Numbers((float)(learningRate * options.RestRateScale), options.Beta1, options.Beta2, options.Epsilon, piece.Decay, StepsTaken,
            gradientScale), WeightsOf(piece), GradientsOf(piece), FirstOf(piece), SecondOf(piece));
}
