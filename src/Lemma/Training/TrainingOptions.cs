using Lemma.Data;

namespace Lemma.Training;

/// <summary>How a model is trained: everything that, with the data and the model, decides every bit of the result.</summary>
public sealed record TrainingOptions
{
    /// <summary>Optimizer steps.</summary>
    public long Steps { get; init; } = 1000;

    /// <summary>Windows of one forward and backward pass.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>Passes whose gradients are added up for one step.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Tokens of a window.</summary>
    public int Length { get; init; } = 256;

    /// <summary>The highest learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The learning rate of the last step.</summary>
    public double MinimumLearningRate { get; init; } = 1e-4;

    /// <summary>Steps over which the learning rate rises to its highest.</summary>
    public long Warmup { get; init; } = 100;

    /// <summary>The decay of the first moment.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The decay of the second moment.</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>AdamW's ε.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>AdamW's λ, for matrices.</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>The largest norm of the whole gradient; 0 for no limit.</summary>
    public double Clip { get; init; } = 1;

    /// <summary>γ of the step of the experts' bias for the choice after each step, b += γ·sign(mean − load); 0 to leave it.</summary>
    public double BalanceRate { get; init; }

    /// <summary>Steps between evaluations, each followed by a checkpoint.</summary>
    public long EvaluateEvery { get; init; } = 100;

    /// <summary>The most batches of an evaluation; null for all of the validation data.</summary>
    public int? EvaluationBatches { get; init; } = 20;

    /// <summary>Evaluations in a row without a better loss after which the run stops; null for never.</summary>
    public int? Patience { get; init; }

    /// <summary>The seed of everything that is drawn at random.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How windows follow each other.</summary>
    public WindowOrder Order { get; init; }

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public TrainingOptions Validate()
    {
        Require.That(Steps > 0 && Batch > 0 && Accumulate > 0 && Length > 0,
            $"training: sizes must be positive, but steps {Steps}, batch {Batch}, accumulate {Accumulate}, length {Length}");
        Require.That(LearningRate > 0 && double.IsFinite(LearningRate), $"training: the learning rate must be positive, but it is "
            + $"{LearningRate}");
        Require.That(MinimumLearningRate >= 0 && MinimumLearningRate <= LearningRate,
            $"training: the minimum learning rate must be in [0, {LearningRate}], but it is {MinimumLearningRate}");
        Require.That(Warmup >= 0, $"training: the warm-up must not be negative, but it is {Warmup}");
        Require.That(Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1, $"adamw: betas must be in [0, 1), but they are {Beta1} and {Beta2}");
        Require.That(Epsilon > 0, $"adamw: epsilon must be positive, but it is {Epsilon}");
        Require.That(WeightDecay >= 0 && double.IsFinite(WeightDecay), $"adamw: the weight decay must not be negative, but it is "
            + $"{WeightDecay}");
        Require.That(Clip >= 0 && double.IsFinite(Clip), $"clip: the norm must not be negative, but it is {Clip}");
        Require.That(BalanceRate >= 0 && double.IsFinite(BalanceRate), $"training: the rate of the experts' bias must not be negative, but it is {BalanceRate}");
        Require.That(EvaluateEvery > 0 && EvaluationBatches is null or > 0,
            $"training: evaluations need positive numbers, but every {EvaluateEvery} steps, {EvaluationBatches} batches");
        Require.That(Patience is null or > 0, $"training: the patience must be positive, but it is {Patience}");
        return this;
    }
}
