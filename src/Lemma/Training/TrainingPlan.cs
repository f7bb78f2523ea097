using Lemma.Compute;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>What a run will take, known before it begins: parameters, tokens, memory by part, time.</summary>
public sealed record TrainingPlan
{
    private const int BytesOfElement = 4;

    /// <summary>The parameters of the model, and of an adapter beside it.</summary>
    public required long Parameters { get; init; }

    /// <summary>How many of them learn.</summary>
    public required long Trained { get; init; }

    /// <summary>The steps of the whole run.</summary>
    public required long Steps { get; init; }

    /// <summary>The tokens of a step, in the mean of those that were tried.</summary>
    public required double TokensOfStep { get; init; }

    /// <summary>The passes over the data that the whole run makes, in fractions.</summary>
    public required double Epochs { get; init; }

    /// <summary>The bytes of the weights.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>The bytes of the gradients of what learns.</summary>
    public required long GradientBytes { get; init; }

    /// <summary>The bytes of what the optimizer keeps from step to step.</summary>
    public required long MomentBytes { get; init; }

    /// <summary>The bytes of a moving average of the weights; 0 where none is kept.</summary>
    public required long AverageBytes { get; init; }

    /// <summary>The bytes of a pass: activations, and gradients of these.</summary>
    public required long ActivationBytes { get; init; }

    /// <summary>The time of a step, in the mean of those that were tried.</summary>
    public required TimeSpan TimeOfStep { get; init; }

    /// <summary>The time of an evaluation, as it was tried.</summary>
    public required TimeSpan TimeOfEvaluation { get; init; }

    /// <summary>How many evaluations the whole run has.</summary>
    public required long Evaluations { get; init; }

    /// <summary>All bytes together.</summary>
    public long Bytes => WeightBytes + GradientBytes + MomentBytes + AverageBytes + ActivationBytes;

    /// <summary>The tokens of the whole run.</summary>
    public double Tokens => Steps * TokensOfStep;

    /// <summary>Training tokens a second.</summary>
    public double TokensPerSecond => TokensOfStep / TimeOfStep.TotalSeconds;

    /// <summary>The time of the whole run, checkpoints not counted.</summary>
    public TimeSpan Time => Steps * TimeOfStep + Evaluations * TimeOfEvaluation;

    /// <summary>Makes a few steps and an evaluation, and saves nothing. The model learns meanwhile, so it is not the one to train then.</summary>
    /// <param name="recipe">What is to be learned.</param>
    /// <param name="options">How.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="tried">How many steps are timed, behind a first one that is not; at least 1.</param>
    public static TrainingPlan Measure(Recipe recipe, TrainingOptions options, Workers workers, int tried = 3)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(options);
        Require.That(tried > 0, $"plan: at least one step must be timed, but they are {tried}");
        TrainingLoop loop = new(recipe, options with { Steps = tried + 1, EvaluateEvery = tried + 1, Patience = null }, workers);
        Clock clock = new(recipe, recipe.TokensRead);
        TrainingResult result = loop.Train(progress: clock);
        Parameters own = recipe.Model.Parameters, learning = recipe.Learning;
        return new TrainingPlan
        {
            Parameters = own.Count + (learning == own ? 0 : learning.Count),
            Trained = learning.All.Where(parameter => parameter.Learns).Sum(parameter => parameter.Count),
            Steps = options.Steps,
            TokensOfStep = (clock.Last.Tokens - clock.First.Tokens) / (double)tried,
            Epochs = recipe.PlaceAfter(options.Steps * options.Accumulate).Epochs,
            WeightBytes = BytesOfElement * (own.BlockLength + (learning == own ? 0 : learning.BlockLength)),
            GradientBytes = BytesOfElement * learning.GradientElements,
            MomentBytes = BytesOfElement * loop.MomentElements,
            AverageBytes = options.AverageDecay is null ? 0 : BytesOfElement * learning.BlockLength,
            ActivationBytes = BytesOfElement * loop.PassElements,
            TimeOfStep = (clock.Last.Time - clock.First.Time) / tried,
            TimeOfEvaluation = TimeSpan.FromSeconds(Math.Max(0, (result.Elapsed - clock.Last.Time).TotalSeconds)),
            Evaluations = options.Steps / options.EvaluateEvery + (options.Steps % options.EvaluateEvery == 0 ? 0 : 1),
        };
    }

    // Tokens and time of steps, evaluations not counted, behind the first step and the last.
    private sealed class Clock(Recipe recipe, long before) : IProgress<TrainingProgress>
    {
        public (long Tokens, TimeSpan Time) First { get; private set; }

        public (long Tokens, TimeSpan Time) Last { get; private set; }

        public void Report(TrainingProgress value)
        {
            long tokens = recipe.TokensRead - before;
            Last = (tokens, TimeSpan.FromSeconds(tokens / value.TokensPerSecond));
            if (value.Step == 1)
                First = Last;
        }
    }
}
