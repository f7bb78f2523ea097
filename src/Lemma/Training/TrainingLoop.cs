using System.Diagnostics;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Text;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>Steps, clipping, evaluations, checkpoints, metrics and resuming, for any <see cref="Recipe"/>.</summary>
/// <remarks>
/// The same bits for any number of threads and any interruption. A run's folder holds <c>best/</c> (the model of the best score), <c>last/</c> (the newest
/// model beside the optimizer's state), <c>metrics.jsonl</c> (the same for equal runs) and <c>timings.jsonl</c> (times, which are not).
/// </remarks>
public sealed class TrainingLoop
{
    private const ulong PassStream = 0x64726F70_00000000;
    private readonly Recipe recipe;
    private readonly TrainingOptions options;
    private readonly Workers workers;
    private readonly ExpertTraining? experts;
    private readonly Stopwatch stepping = new(), evaluating = new();
    private double loss, gradientNorm;
    private long done, evaluations, tokensBefore;
    private WeightAverage? average;
    private TrainingState state;

    /// <summary>A run that begins with the model's weights as they are.</summary>
    /// <param name="recipe">What is learned.</param>
    /// <param name="options">How.</param>
    /// <param name="workers">Who does the work; the result does not depend on their number.</param>
    public TrainingLoop(Recipe recipe, TrainingOptions options, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        (this.recipe, this.options, this.workers) = (recipe, options.Validate(), workers);
        experts = ExpertTraining.Of(recipe.Model, options.BalanceRate);
        state = new TrainingState { Step = 0, Epoch = 0, Position = 0, Seed = options.Seed, Recipe = recipe.Name };
    }

    /// <summary>The run's folder; null to save nothing.</summary>
    public string? Folder { get; init; }

    /// <summary>The tokenizer that is saved beside the model, if there is one.</summary>
    public Tokenizer? Tokenizer { get; init; }

    /// <summary>Writes what further files a model's folder has, a chat template say; null for none.</summary>
    public Action<string>? Beside { get; init; }

    /// <summary>How the adapter that learns was made, where one does: checkpoints then have the adapter in PEFT's form, not the model.</summary>
    public AdapterConfig? Adapter { get; init; }

    /// <summary>The run's options as a JSON object, kept in the checkpoint.</summary>
    public string Run { get; init; } = "{}";

    /// <summary>Trains to the end, to the last of the patience, or until asked to stop; then the last checkpoint is saved.</summary>
    /// <param name="resume">Whether to go on from the folder's last checkpoint, whose weights the model must already have.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellation">Asks to stop after the step that runs; what is done is saved.</param>
    /// <exception cref="TrainingFailedException">The loss or the gradient is not finite; nothing is saved.</exception>
    public TrainingResult Train(bool resume = false, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        Stopwatch elapsed = Stopwatch.StartNew();
        Require.That(Folder is null || Adapter is not null || recipe.Model.Parameters.Adapter is null,
            $"training: an adapter learns, so its config is needed to save it");
        using Tape tape = new(workers, recipe.Model.Parameters);
        recipe.Model.RecomputesBlocks |= options.RecomputesBlocks;
        Optimizer optimizer = options.Optimizer.Make(recipe.Learning, workers);
        recipe.Learning.ForgetGradients();
        using WeightAverage? following = options.AverageDecay is { } beta ? new WeightAverage(recipe.Learning, workers, beta) : null;
        average = following;
        if (resume)
            Resume(optimizer);
        else
            state = state with { Run = Run };
        tokensBefore = recipe.TokensRead;
        using MetricsLog? metrics = OpenLog("metrics.jsonl"), timings = OpenLog("timings.jsonl");
        TrainingEnd end = Loop(tape, optimizer, metrics, timings, progress, cancellation);
        PassElements = tape.PeakElements;
        MomentElements = optimizer.State.Sum(tensor => tensor.Sizes.Aggregate(1L, (product, size) => product * size));
        return new TrainingResult(end, state.Step, loss, state.BestScore, state.BestStep, TokensPerSecond, elapsed.Elapsed);
    }

    private Metric[] Metrics => [.. recipe.Metrics, .. experts?.Metrics ?? []];

    /// <summary>The most elements that a pass took: activations, and gradients of these.</summary>
    internal long PassElements { get; private set; }

    /// <summary>The elements that the optimizer kept from step to step.</summary>
    internal long MomentElements { get; private set; }

    private double TokensPerSecond => (recipe.TokensRead - tokensBefore) / Math.Max(1e-9, stepping.Elapsed.TotalSeconds);

    private TrainingEnd Loop(Tape tape, Optimizer optimizer, MetricsLog? metrics, MetricsLog? timings,
        IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        while (state.Step < options.Steps)
        {
            if (cancellation.IsCancellationRequested)
            {
                SaveLast(optimizer, metrics);
                return TrainingEnd.Interrupted;
            }
            if (state.EvaluationsWithoutImprovement >= options.Patience)
                return TrainingEnd.Patience;
            long step = state.Step + 1;
            double learningRate = options.LearningRate * options.Schedule.At(step, options.Steps), before = stepping.Elapsed.TotalSeconds;
            long read = recipe.TokensRead;
            stepping.Start();
            Step(tape, optimizer, step, learningRate);
            stepping.Stop();
            done++;
            DataPlace place = recipe.PlaceAfter(step * options.Accumulate);
            state = state with { Step = step, Epoch = place.Epoch, Position = place.Position };
            metrics?.Write(step, [new("loss", loss), new("learning_rate", learningRate), new("gradient_norm", gradientNorm), .. Metrics]);
            timings?.Write(step, [new("seconds", stepping.Elapsed.TotalSeconds - before), new("tokens", recipe.TokensRead - read)]);
            Score? score = step % options.EvaluateEvery == 0 || step == options.Steps ? Judge(tape, optimizer, metrics) : null;
            progress?.Report(Describe(learningRate, score));
        }
        return TrainingEnd.Finished;
    }

    private void Step(Tape tape, Optimizer optimizer, long step, double learningRate)
    {
        (double sum, double weight) = (0, 0);
        tape.Recording = false;
        recipe.BeforeStep(tape, step);
        experts?.Begin();
        tape.Recording = true;
        for (int pass = 0; pass < options.Accumulate; pass++)
        {
            long number = (step - 1) * options.Accumulate + pass;
            LossPart part = recipe.Pass(tape, number, new Philox(options.Seed, PassStream).Split((ulong)number));
            part = experts?.Add(tape, part) ?? part;
            float value = tape[part.Sum][0];
            // Of a loss that is not finite the gradients only serve to say where the trouble began.
            if (part.Weight > 0)
                tape.Backward(part.Sum);
            tape.Rewind();
            if (!float.IsFinite(value))
                throw new TrainingFailedException($"training: the loss of step {step} is {value / part.Weight}; {FiniteCheck.Describe(recipe.Model.Parameters)}");
            (sum, weight) = (sum + value, weight + part.Weight);
        }
        if (weight == 0)
            throw new TrainingFailedException($"training: nothing of step {step} counts: each target of its {options.Accumulate} passes is left out");
        loss = sum / weight;
        try
        {
            gradientNorm = optimizer.Step(learningRate, 1 / weight);
        }
        catch (ArithmeticException e)
        {
            throw new TrainingFailedException($"training: step {step}: {e.Message}");
        }
        recipe.AfterStep(step);
        experts?.AfterStep();
        average?.Step();
    }

    private Score Judge(Tape tape, Optimizer optimizer, MetricsLog? metrics)
    {
        evaluating.Start();
        tape.Recording = false;
        average?.Exchange();
        Score score = recipe.Judge(tape);
        tape.Recording = true;
        if (!double.IsFinite(score.Value))
            throw new TrainingFailedException($"training: the {score.Name.Replace('_', ' ')} after step {state.Step} is {score.Value}; "
                + $"{FiniteCheck.Describe(recipe.Model.Parameters)}");
        metrics?.Write(state.Step, [new(score.Name, score.Value), .. score.Others]);
        bool better = state.BestScore is not { } best || score.IsBetterThan(best);
        state = better
            ? state with { BestScore = score.Value, BestStep = state.Step, EvaluationsWithoutImprovement = 0 }
            : state with { EvaluationsWithoutImprovement = state.EvaluationsWithoutImprovement + 1 };
        // The best goes first: a kill between the two leaves a last checkpoint from which the same best is reached again.
        if (better && Folder != null)
            AtomicFolder.Write(Path.Combine(Folder, "best"), WriteModel);
        average?.Exchange();
        SaveLast(optimizer, metrics);
        evaluating.Stop();
        evaluations++;
        return score;
    }

    private void SaveLast(Optimizer optimizer, MetricsLog? metrics)
    {
        if (Folder == null)
            return;
        // The metrics go first: lines beyond a checkpoint are forgotten by a resume, missing ones would stay missing.
        metrics?.Flush();
        AtomicFolder.Write(Path.Combine(Folder, "last"), into =>
        {
            WriteModel(into);
            recipe.WriteState(into);
            state.WriteInto(into, recipe.Learning, KeptBy(optimizer));
        });
    }

    private StateTensor[] KeptBy(Optimizer optimizer) => [.. optimizer.State, .. average?.State ?? []];

    private void WriteModel(string folder)
    {
        if (recipe.Model.Parameters.Adapter is { } adapter)
            AdapterFolder.WriteInto(folder, recipe.Model, adapter, Adapter!);
        else
            recipe.WriteInto(folder);
        Beside?.Invoke(folder);
        Tokenizer?.Save(Path.Combine(folder, "tokenizer.json"));
    }

    private void Resume(Optimizer optimizer)
    {
        string last = Path.Combine(Folder ?? throw new InvalidOperationException("training: a run without a folder cannot resume"), "last");
        state = TrainingState.Read(last, recipe.Learning, KeptBy(optimizer));
        Require.That(state.Recipe == recipe.Name, $"resume: the run is one of {state.Recipe}, not of {recipe.Name}");
        Require.That(state.Seed == options.Seed, $"resume: the run was started with the seed {state.Seed}, not {options.Seed}");
        DataPlace place = recipe.PlaceAfter(state.Step * options.Accumulate);
        Require.That((state.Epoch, state.Position) == (place.Epoch, place.Position),
            $"resume: step {state.Step} of the run ended at example {state.Position} of epoch {state.Epoch}, "
            + $"but with these data and sizes it ends at example {place.Position} of epoch {place.Epoch}");
        optimizer.StepsTaken = state.Step;
        recipe.ReadState(last, state.Step * options.Accumulate);
    }

    private MetricsLog? OpenLog(string name)
    {
        if (Folder == null)
            return null;
        Directory.CreateDirectory(Folder);
        return new MetricsLog(Path.Combine(Folder, name), state.Step);
    }

    private TrainingProgress Describe(double learningRate, Score? score)
    {
        long left = options.Steps - state.Step,
            evaluationsLeft = options.Steps / options.EvaluateEvery - state.Step / options.EvaluateEvery;
        double seconds = left * stepping.Elapsed.TotalSeconds / done
            + (evaluations == 0 ? 0 : evaluationsLeft * evaluating.Elapsed.TotalSeconds / evaluations);
        return new TrainingProgress
        {
            Step = state.Step,
            Steps = options.Steps,
            Epochs = recipe.PlaceAfter(state.Step * options.Accumulate).Epochs,
            Loss = loss,
            LearningRate = learningRate,
            GradientNorm = gradientNorm,
            Metrics = Metrics,
            Score = score,
            BestScore = state.BestScore,
            TokensPerSecond = TokensPerSecond,
            Remaining = TimeSpan.FromSeconds(seconds),
        };
    }
}
