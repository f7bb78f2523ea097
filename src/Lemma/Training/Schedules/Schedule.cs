using Lemma.Formulas;

namespace Lemma.Training;

/// <summary>How the learning rate moves: the share of its peak at each step.</summary>
/// <remarks>The rate rises in a line over the warmup; what follows says the record. The shares are the formulas of the index (<c>schedule_…</c>).</remarks>
public abstract record Schedule
{
    /// <summary>w: the steps of the rise.</summary>
    public long Warmup { get; init; } = 100;

    /// <summary>m: what is left at the last step, as a share of the peak, in [0, 1].</summary>
    public double Minimum { get; init; } = 0.1;

    /// <summary>The share of the peak at a step.</summary>
    /// <param name="step">t, from 1.</param>
    /// <param name="steps">T, all steps.</param>
    public double At(long step, long steps) => Share(new ScheduleNumbers(steps, Warmup, DecaySteps(steps), Minimum), step);

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public virtual void Validate()
    {
        Require.That(Warmup >= 0, $"schedule: the warm-up must not be negative, but it is {Warmup}");
        Require.That(Minimum is >= 0 and <= 1, $"schedule: the minimum must be a share in [0, 1] of the peak, but it is {Minimum}");
    }

    private protected abstract double Share(in ScheduleNumbers numbers, double step);

    private protected virtual double DecaySteps(long steps) => 1;
}

/// <summary>η stays.</summary>
public sealed record ConstantSchedule : Schedule
{
    private protected override double Share(in ScheduleNumbers numbers, double step) => ConstantRate.Share(numbers, step);
}

/// <summary>η falls in a line to its minimum.</summary>
public sealed record LinearSchedule : Schedule
{
    private protected override double Share(in ScheduleNumbers numbers, double step) => LinearRate.Share(numbers, step);
}

/// <summary>η falls along half a cosine to its minimum.</summary>
public sealed record CosineSchedule : Schedule
{
    private protected override double Share(in ScheduleNumbers numbers, double step) => CosineRate.Share(numbers, step);
}

/// <summary>η falls with the root of the step, η·√(w/t); it has no minimum.</summary>
public sealed record InverseRootSchedule : Schedule
{
    private protected override double Share(in ScheduleNumbers numbers, double step) => InverseRootRate.Share(numbers, step);
}

/// <summary>η stays, then falls in a line over the last steps: warmup, stable, decay.</summary>
public sealed record StableDecaySchedule : Schedule
{
    /// <summary>The share of all steps over which it falls, in (0, 1].</summary>
    public double DecayShare { get; init; } = 0.2;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.That(DecayShare is > 0 and <= 1, $"schedule: the share of the decay must be in (0, 1], but it is {DecayShare}");
    }

    private protected override double Share(in ScheduleNumbers numbers, double step) => StableDecayRate.Share(numbers, step);

    private protected override double DecaySteps(long steps) => Math.Max(1, DecayShare * steps);
}
