namespace Lemma.Training;

/// <summary>How a loop trains: steps, rates and evaluations, for any recipe.</summary>
public sealed record TrainingOptions
{
    /// <summary>Optimizer steps.</summary>
    public long Steps { get; init; } = 1000;

    /// <summary>Passes whose gradients are added up for one step.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>The highest learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>How the learning rate moves.</summary>
    public Schedule Schedule { get; init; } = new CosineSchedule();

    /// <summary>The optimizer and its numbers.</summary>
    public OptimizerOptions Optimizer { get; init; } = new AdamWOptions();

    /// <summary>γ of the step of the experts' bias for the choice after each step, b += γ·sign(mean − load), of decoders that have it; 0 to leave it.</summary>
    public double BalanceRate { get; init; }

    /// <summary>β of a moving average of the weights, which is judged and saved as the best in their place; null for none.</summary>
    public double? AverageDecay { get; init; }

    /// <summary>Whether what blocks make on the way is made again in the backward: less memory for a third more time, the same bits.</summary>
    /// <remarks>A model that does so already goes on (<see cref="Models.Model.RecomputesBlocks"/>).</remarks>
    public bool RecomputesBlocks { get; init; }

    /// <summary>Steps between evaluations, each followed by a checkpoint.</summary>
    public long EvaluateEvery { get; init; } = 100;

    /// <summary>Evaluations in a row without a better score after which the run stops; null for never.</summary>
    public int? Patience { get; init; }

    /// <summary>The seed of everything that the loop draws at random: dropout, rollouts.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public TrainingOptions Validate()
    {
        Require.That(Steps > 0 && Accumulate > 0, $"training: sizes must be positive, but steps {Steps}, accumulate {Accumulate}");
        Require.That(LearningRate > 0 && double.IsFinite(LearningRate), $"training: the learning rate must be positive, but it is {LearningRate}");
        Require.That(EvaluateEvery > 0, $"training: evaluations must be a positive number of steps apart, but they are {EvaluateEvery}");
        Require.That(Patience is null or > 0, $"training: the patience must be positive, but it is {Patience}");
        Require.That(AverageDecay is null or (> 0 and < 1), $"training: the decay of the weights' average must be in (0, 1), but it is {AverageDecay}");
        Require.That(BalanceRate >= 0 && double.IsFinite(BalanceRate), $"training: the rate of the experts' bias must not be negative, but it is {BalanceRate}");
        Schedule.Validate();
        Optimizer.Validate();
        return this;
    }
}
