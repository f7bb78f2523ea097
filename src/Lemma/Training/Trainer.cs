using System.Diagnostics;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;

namespace Lemma.Training;

/// <summary>The training loop: steps, evaluations, checkpoints; the same bits for any number of threads and any interruption.</summary>
/// <remarks>
/// A run's folder holds <c>best/</c> (the model of the least validation loss), <c>last/</c> (the newest model beside the optimizer's
/// state),
/// <c>metrics.jsonl</c> (the same for equal runs) and <c>timings.jsonl</c> (times, which are not).
/// </remarks>
public sealed class Trainer
{
    private const ulong DropoutStream = 0x64726F70_00000000;
    private readonly Decoder decoder;
    private readonly TrainingOptions options;
    private readonly Workers workers;
    private readonly BatchSource training, validation;
    private readonly int[] inputs, targets;
    private readonly Rows rows;
    private readonly ExpertLoads? loads;
    private readonly Stopwatch stepping = new(), evaluating = new();
    private double loss, gradientNorm;
    private long done, evaluations;
    private TrainingState state;

    /// <summary>A run that begins with the decoder's weights as they are.</summary>
    /// <param name="decoder">The model that is trained.</param>
    /// <param name="training">What it learns from; at least one window.</param>
    /// <param name="validation">What it is judged by; at least one window.</param>
    /// <param name="options">How.</param>
    /// <param name="workers">Who does the work; the result does not depend on their number.</param>
    public Trainer(Decoder decoder, TokenDataset training, TokenDataset validation, TrainingOptions options, Workers workers)
    {
        (this.decoder, this.options, this.workers) = (decoder, options.Validate(), workers);
        Require.That(options.Length <= decoder.Config.MaximumLength,
            $"training: windows of {options.Length} tokens are longer than the model's longest sequence, {decoder.Config.MaximumLength}");
        foreach (TokenDataset data in (TokenDataset[])[training, validation])
        {
            Require.That(data.LargestId < decoder.Config.VocabularySize,
                $"training: the {data.Name} has the id {data.LargestId}, but the vocabulary has {decoder.Config.VocabularySize}");
        }
        Require.That(options.BalanceRate == 0 || decoder.Config.Experts.Any(experts => experts.ChoiceBias),
            $"training: a rate of {options.BalanceRate} for the experts' bias needs experts with a bias for the choice");
        loads = decoder.Config.Experts.Any() ? new ExpertLoads(decoder.Config) : null;
        this.training = new BatchSource(training, options.Length, options.Batch, options.Seed, options.Order, decoder.Config.EndId);
        // Every evaluation sees the same windows, and runs with other seeds are judged by them as well.
        WindowOrder judged = options.Order == WindowOrder.Documents ? WindowOrder.Documents : WindowOrder.Shuffled;
        this.validation = new BatchSource(validation, options.Length, options.Batch, seed: 0, judged, decoder.Config.EndId);
        inputs = new int[options.Batch * options.Length];
        targets = new int[inputs.Length];
        rows = Rows.Windows(inputs, options.Batch);
        state = new TrainingState { Step = 0, Epoch = 0, Position = 0, Seed = options.Seed };
    }

    /// <summary>The run's folder; null to save nothing.</summary>
    public string? Folder { get; init; }

    /// <summary>The tokenizer that is saved beside the model, if there is one.</summary>
    public Tokenizer? Tokenizer { get; init; }

    /// <summary>The run's options as a JSON object, kept in the checkpoint.</summary>
    public string Run { get; init; } = "{}";

    /// <summary>Trains to the end, to the last of the patience, or until asked to stop; then the last checkpoint is saved.</summary>
    /// <param name="resume">Whether to go on from the folder's last checkpoint, whose weights the decoder must already have.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellation">Asks to stop after the step that runs; what is done is saved.</param>
    /// <exception cref="TrainingFailedException">The loss or the gradient is not finite; nothing is saved.</exception>
    public TrainingResult Train(bool resume = false, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        Stopwatch elapsed = Stopwatch.StartNew();
        using Tape tape = new(workers, decoder.Parameters);
        AdamWOptimizer optimizer = new(decoder.Parameters, workers, new AdamWOptions
        {
            Beta1 = (float)options.Beta1,
            Beta2 = (float)options.Beta2,
            Epsilon = (float)options.Epsilon,
            WeightDecay = (float)options.WeightDecay,
            Clip = (float)options.Clip,
        });
        decoder.Parameters.ForgetGradients();
        if (resume)
            Resume(optimizer);
        else
            state = state with { Run = Run };
        using MetricsLog? metrics = OpenLog("metrics.jsonl"), timings = OpenLog("timings.jsonl");
        TrainingEnd end = Loop(tape, optimizer, metrics, timings, progress, cancellation);
        return new TrainingResult(end, state.Step, loss, state.BestValidationLoss, state.BestStep, TokensPerSecond, elapsed.Elapsed);
    }

    /// <summary>The mean loss over the validation data, in nats a token: the same windows every time, at most the options' number of
    /// batches.</summary>
    public double Evaluate(Tape tape)
    {
        long windows = validation.WindowsPerEpoch;
        if (options.EvaluationBatches is { } most)
            windows = Math.Min(windows, (long)most * options.Batch);
        bool recording = tape.Recording;
        tape.Recording = false;
        double sum = 0;
        for (long first = 0; first < windows; first += options.Batch)
        {
            // The last batch may have fewer windows: all count, so that the result does not depend on the batch.
            int some = (int)Math.Min(options.Batch, windows - first), count = some * options.Length;
            validation.Fill(first / options.Batch, inputs.AsSpan(0, count), targets.AsSpan(0, count));
            sum += (double)some * tape[decoder.Loss(tape, Rows.Windows(inputs.AsMemory(0, count), some), targets.AsMemory(0, count))][0];
            tape.Rewind();
        }
        tape.Recording = recording;
        return sum / windows;
    }

    private double TokensPerSecond => done == 0 ? 0
        : done * (double)options.Accumulate * options.Batch * options.Length / Math.Max(1e-9, stepping.Elapsed.TotalSeconds);

    private TrainingEnd Loop(Tape tape, AdamWOptimizer optimizer, MetricsLog? metrics, MetricsLog? timings,
        IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        while (state.Step < options.Steps)
        {
            if (cancellation.IsCancellationRequested)
            {
                SaveLast(metrics);
                return TrainingEnd.Interrupted;
            }
            if (state.EvaluationsWithoutImprovement >= options.Patience)
                return TrainingEnd.Patience;
            long step = state.Step + 1;
            double learningRate = CosineSchedule.At(step, options.Steps, options.Warmup, options.LearningRate, options.MinimumLearningRate);
            double before = stepping.Elapsed.TotalSeconds;
            stepping.Start();
            Step(tape, optimizer, step, (float)learningRate);
            stepping.Stop();
            done++;
            (long epoch, long position) = training.PositionOf(step * options.Accumulate);
            state = state with { Step = step, Epoch = epoch, Position = position };
            metrics?.Write(step, ("loss", loss), ("learning_rate", learningRate), ("gradient_norm", gradientNorm));
            timings?.Write(step, ("seconds", stepping.Elapsed.TotalSeconds - before));
            double? validationLoss = step % options.EvaluateEvery == 0 || step == options.Steps ? Judge(tape, metrics) : null;
            progress?.Report(Describe(learningRate, validationLoss));
        }
        return TrainingEnd.Finished;
    }

    private void Step(Tape tape, AdamWOptimizer optimizer, long step, float learningRate)
    {
        double sum = 0;
        loads?.Clear();
        for (int pass = 0; pass < options.Accumulate; pass++)
        {
            long number = (step - 1) * options.Accumulate + pass;
            training.Fill(number, inputs, targets);
            Philox? dropout = decoder.Config.Dropout > 0 ? new Philox(options.Seed, DropoutStream).Split((ulong)number) : null;
            Tensor tensor = decoder.Loss(tape, rows, targets, dropout, loads);
            float value = tape[tensor][0];
            if (!float.IsFinite(value))
            {
                // The gradients only serve to say where the trouble began.
                tape.Backward(tensor);
                tape.Rewind();
                throw new TrainingFailedException($"training: the loss of step {step} is {value}; {FiniteCheck.Describe(decoder.Parameters)}");
            }
            tape.Backward(tensor);
            tape.Rewind();
            sum += value;
        }
        loss = sum / options.Accumulate;
        try
        {
            gradientNorm = optimizer.Step(learningRate, 1f / options.Accumulate);
            if (options.BalanceRate > 0)
                decoder.StepChoiceBiases(loads!, options.BalanceRate);
        }
        catch (ArithmeticException e)
        {
            throw new TrainingFailedException($"training: step {step}: {e.Message}");
        }
    }

    private double Judge(Tape tape, MetricsLog? metrics)
    {
        evaluating.Start();
        double validationLoss = Evaluate(tape);
        if (!double.IsFinite(validationLoss))
            throw new TrainingFailedException(
                $"training: the validation loss after step {state.Step} is {validationLoss}; {FiniteCheck.Describe(decoder.Parameters)}");
        metrics?.Write(state.Step, ("validation_loss", validationLoss), ("validation_perplexity", Math.Exp(validationLoss)));
        bool better = state.BestValidationLoss is not { } best || validationLoss < best;
        state = better
            ? state with { BestValidationLoss = validationLoss, BestStep = state.Step, EvaluationsWithoutImprovement = 0 }
            : state with { EvaluationsWithoutImprovement = state.EvaluationsWithoutImprovement + 1 };
        // The best goes first: a kill between the two leaves a last checkpoint from which the same best is reached again.
        if (better && Folder != null)
            AtomicFolder.Write(Path.Combine(Folder, "best"), WriteModel);
        SaveLast(metrics);
        evaluating.Stop();
        evaluations++;
        return validationLoss;
    }

    private void SaveLast(MetricsLog? metrics)
    {
        if (Folder == null)
            return;
        // The metrics go first: lines beyond a checkpoint are forgotten by a resume, missing ones would stay missing.
        metrics?.Flush();
        AtomicFolder.Write(Path.Combine(Folder, "last"), into =>
        {
            WriteModel(into);
            state.WriteInto(into, decoder.Parameters);
        });
    }

    private void WriteModel(string folder)
    {
        ModelFolder.WriteInto(folder, decoder);
        Tokenizer?.Save(Path.Combine(folder, "tokenizer.json"));
    }

    private void Resume(AdamWOptimizer optimizer)
    {
        string last = Path.Combine(Folder ?? throw new InvalidOperationException("training: a run without a folder cannot resume"), "last");
        state = TrainingState.Read(last, decoder.Parameters);
        Require.That(state.Seed == options.Seed, $"resume: the run was started with the seed {state.Seed}, not {options.Seed}");
        (long epoch, long position) = training.PositionOf(state.Step * options.Accumulate);
        Require.That((state.Epoch, state.Position) == (epoch, position),
            $"resume: step {state.Step} of the run ended at window {state.Position} of epoch {state.Epoch}, "
            + $"but with these data and sizes it ends at window {position} of epoch {epoch}");
        optimizer.StepsTaken = state.Step;
    }

    private MetricsLog? OpenLog(string name)
    {
        if (Folder == null)
            return null;
        Directory.CreateDirectory(Folder);
        return new MetricsLog(Path.Combine(Folder, name), state.Step);
    }

    private TrainingProgress Describe(double learningRate, double? validationLoss)
    {
        long left = options.Steps - state.Step,
            evaluationsLeft = options.Steps / options.EvaluateEvery - state.Step / options.EvaluateEvery;
        double seconds = left * stepping.Elapsed.TotalSeconds / done
            + (evaluations == 0 ? 0 : evaluationsLeft * evaluating.Elapsed.TotalSeconds / evaluations);
        return new TrainingProgress
        {
            Step = state.Step,
            Steps = options.Steps,
            Epochs = state.Epoch + (double)state.Position / training.WindowsPerEpoch,
            Loss = loss,
            LearningRate = learningRate,
            GradientNorm = gradientNorm,
            ExpertLoad = loads?.LargestOverMean,
            ValidationLoss = validationLoss,
            BestValidationLoss = state.BestValidationLoss,
            TokensPerSecond = TokensPerSecond,
            Remaining = TimeSpan.FromSeconds(seconds),
        };
    }
}
