using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>What pretraining reads.</summary>
public sealed record PretrainingOptions
{
    /// <summary>Windows of one pass.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>Tokens of a window.</summary>
    public int Length { get; init; } = 256;

    /// <summary>How windows follow each other.</summary>
    public WindowOrder Order { get; init; }

    /// <summary>The most batches of an evaluation; null for all of the validation data.</summary>
    public int? EvaluationBatches { get; init; } = 20;

    /// <summary>What stands beside −ln p while it learns: label smoothing, z-loss. It is judged without.</summary>
    public TokenLossTerms Terms { get; init; }

    /// <summary>The seed of the windows' order.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public PretrainingOptions Validate()
    {
        Require.That(Batch > 0 && Length > 0, $"pretraining: sizes must be positive, but batch {Batch}, length {Length}");
        Require.That(EvaluationBatches is null or > 0, $"pretraining: an evaluation needs a positive number of batches, not {EvaluationBatches}");
        Terms.Validate();
        return this;
    }
}

/// <summary>Each token of a text is predicted from those before it: a first training, or a continued one.</summary>
public sealed class Pretraining : Recipe
{
    private readonly Decoder decoder;
    private readonly PretrainingOptions options;
    private readonly BatchSource training, validation;
    private readonly int[] inputs, targets;
    private readonly Rows rows;

    /// <summary>Learns from windows of one dataset and is judged by windows of another.</summary>
    /// <param name="decoder">The model that is trained, with its weights as they are.</param>
    /// <param name="training">What it learns from; at least one window.</param>
    /// <param name="validation">What it is judged by; at least one window.</param>
    /// <param name="options">How.</param>
    public Pretraining(Decoder decoder, TokenDataset training, TokenDataset validation, PretrainingOptions options)
    {
        (this.decoder, this.options) = (decoder, options.Validate());
        Require.That(options.Length <= decoder.Config.MaximumLength,
            $"pretraining: windows of {options.Length} tokens are longer than the model's longest sequence, {decoder.Config.MaximumLength}");
        foreach (TokenDataset data in (TokenDataset[])[training, validation])
        {
            Require.That(data.LargestId < decoder.Config.VocabularySize,
                $"pretraining: the {data.Name} has the id {data.LargestId}, but the vocabulary has {decoder.Config.VocabularySize}");
        }
        this.training = new BatchSource(training, options.Length, options.Batch, options.Seed, options.Order, decoder.Config.EndId);
        // Every evaluation sees the same windows, and runs with other seeds are judged by them as well.
        WindowOrder judged = options.Order == WindowOrder.Documents ? WindowOrder.Documents : WindowOrder.Shuffled;
        this.validation = new BatchSource(validation, options.Length, options.Batch, seed: 0, judged, decoder.Config.EndId);
        inputs = new int[options.Batch * options.Length];
        targets = new int[inputs.Length];
        rows = Rows.Windows(inputs, options.Batch);
    }

    /// <inheritdoc/>
    public override string Name => "pretraining";

    /// <inheritdoc/>
    public override Model Model => decoder;

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(checked(passes * options.Batch), training.WindowsPerEpoch);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        training.Fill(number, inputs, targets);
        TokensRead += inputs.Length;
        return decoder.Loss(tape, rows, targets, random, options.Terms);
    }

    /// <summary>The mean loss over the validation data, in nats a token: the same windows every time.</summary>
    public override Score Judge(Tape tape)
    {
        ArgumentNullException.ThrowIfNull(tape);
        long windows = WindowsToJudge;
        (double sum, double weight) = (0, 0);
        for (long first = 0; first < windows; first += options.Batch)
        {
            // The last batch may have fewer windows: all count, so that the result does not depend on the batch.
            int some = (int)Math.Min(options.Batch, windows - first), count = some * options.Length;
            validation.Fill(first / options.Batch, inputs.AsSpan(0, count), targets.AsSpan(0, count));
            LossPart loss = decoder.Loss(tape, Rows.Windows(inputs.AsMemory(0, count), some), targets.AsMemory(0, count));
            (sum, weight) = (sum + tape[loss.Sum][0], weight + loss.Weight);
            tape.Rewind();
        }
        return new Score("validation_loss", sum / weight, Others: [new Metric("validation_perplexity", Math.Exp(sum / weight))]);
    }

    /// <summary>What an n-gram model loses on the windows of <see cref="Judge"/>: the same predictions, each from the ids of its window.</summary>
    public PerplexityResult Baseline(NGramModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        (double nats, long tokens) = (0, 0);
        for (long first = 0; first < WindowsToJudge; first += options.Batch)
        {
            int count = (int)Math.Min(options.Batch, WindowsToJudge - first) * options.Length;
            validation.Fill(first / options.Batch, inputs.AsSpan(0, count), targets.AsSpan(0, count));
            PerplexityResult some = NGramEvaluator.EvaluateWindows(model, inputs.AsSpan(0, count), targets.AsSpan(0, count), options.Length);
            (nats, tokens) = (nats + some.TotalNats, tokens + some.Tokens);
        }
        return new PerplexityResult(tokens, nats);
    }

    private long WindowsToJudge => options.EvaluationBatches is { } most ? Math.Min(validation.WindowsPerEpoch, (long)most * options.Batch)
        : validation.WindowsPerEpoch;
}
