using Lemma.Models;
using Lemma.Planning;

namespace Lemma.Cli.Plans;

/// <summary>One way to train: what a step takes, and where the machine was measured its seconds.</summary>
internal sealed record TrainingRow(StepPlan Step, TrainingPrecision Precision, Interval? Seconds)
{
    /// <summary>The memory of the step in its precision.</summary>
    public StepMemory Memory { get; } = Step.MemoryIn(Precision);

    public long Bytes => Memory.Total;

    public double? TokensPerSecond => Step.Shape.Tokens / Seconds?.Value;
}

/// <summary>One way to serve: sequences at once, tokens of each, how keys and values are stored; what reading a prompt takes beside them.</summary>
internal sealed record ServingRow(int Context, int Users, StorageFormat Cache, long WeightBytes, long CacheBytes, PassPlan Pass, Interval? Seconds)
{
    public long Bytes => WeightBytes + CacheBytes + Pass.Bytes;

    /// <summary>Of all users together.</summary>
    public double? TokensPerSecond => Users / Seconds?.Value;
}

/// <summary>A line of what laws say of a budget.</summary>
/// <param name="Law">Whose law, and of what.</param>
/// <param name="Optimum">The best model and tokens.</param>
internal sealed record LawRow(string Law, ScalingOptimum Optimum);

/// <summary>Everything that a plan says.</summary>
internal sealed record Plan
{
    public PlannedModel? Model { get; init; }

    public ParameterCount? Parameters { get; init; }

    public SheetCount? Sheet { get; init; }

    public CachePlan? Cache { get; init; }

    /// <summary>Tokens of the whole training; null where none were given and no budget says them.</summary>
    public double? Tokens { get; init; }

    public IReadOnlyList<TrainingRow> Training { get; init; } = [];

    public IReadOnlyList<ServingRow> Serving { get; init; } = [];

    /// <summary>The memory that there is.</summary>
    public required double Memory { get; init; }

    public required bool IsMeasured { get; init; }

    /// <summary>How the numbers of training are held.</summary>
    public required TrainingPrecision Precision { get; init; }

    /// <summary>Bytes a second that memory gives at the moment, and gave when the machine was measured; null where times are those of
    /// then; what a job of the threads takes now.</summary>
    public (double Now, double Then, double JobSeconds)? MemoryRate { get; init; }

    /// <summary>The law that losses are of, and its name.</summary>
    public required ScalingRule Rule { get; init; }

    public required string RuleName { get; init; }

    public FittedRuns? Fit { get; init; }

    public PlanBudget? Budget { get; init; }

    /// <summary>The operations of the budget.</summary>
    public double? Compute { get; init; }

    public IReadOnlyList<LawRow> Laws { get; init; } = [];

    /// <summary>N as laws count it: what a token meets; of decoders alone, since they are what laws are of.</summary>
    public double? Size => Decoder is null ? null : Parameters?.Activated;

    /// <summary>The loss of this model after its tokens.</summary>
    public double? Loss => Size is { } size && Tokens is { } tokens ? Rule.Loss(size, tokens) : null;

    public DecoderConfig? Decoder => Model?.Config as DecoderConfig;
}
