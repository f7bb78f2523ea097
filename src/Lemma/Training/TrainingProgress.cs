namespace Lemma.Training;

/// <summary>Where a run stands after a step.</summary>
public sealed record TrainingProgress
{
    /// <summary>Steps done, from 1.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public required long Steps { get; init; }

    /// <summary>Passes over the training data, in fractions.</summary>
    public required double Epochs { get; init; }

    /// <summary>The mean loss of this step, over all of its passes; with the balance loss of experts where there is one.</summary>
    public required double Loss { get; init; }

    /// <summary>The learning rate of this step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The norm of the gradient before clipping.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>Further numbers of the recipe for this step.</summary>
    public IReadOnlyList<Metric> Metrics { get; init; } = [];

    /// <summary>The evaluation, when this step was followed by one.</summary>
    public Score? Score { get; init; }

    /// <summary>The best score so far.</summary>
    public double? BestScore { get; init; }

    /// <summary>Training tokens a second, over this process's steps (evaluations not counted).</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>The time that the remaining steps will take, evaluations included.</summary>
    public required TimeSpan Remaining { get; init; }
}

/// <summary>Why a run ended.</summary>
public enum TrainingEnd
{
    /// <summary>All steps are done.</summary>
    Finished,

    /// <summary>The score stopped getting better.</summary>
    Patience,

    /// <summary>It was asked to stop, and saved what it had.</summary>
    Interrupted,
}

/// <summary>What a run came to.</summary>
/// <param name="End">Why it ended.</param>
/// <param name="Step">Steps done, those before a resume included.</param>
/// <param name="Loss">The training loss of the last step.</param>
/// <param name="BestScore">The best score.</param>
/// <param name="BestStep">The step of the best score.</param>
/// <param name="TokensPerSecond">Training tokens a second in this process.</param>
/// <param name="Elapsed">The time this process took.</param>
public sealed record TrainingResult(
    TrainingEnd End, long Step, double Loss, double? BestScore, long? BestStep, double TokensPerSecond, TimeSpan Elapsed);
