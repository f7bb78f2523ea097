using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>How preference tuning reads its pairs and what they cost.</summary>
public sealed record PreferenceTuningOptions
{
    /// <summary>What a pair costs.</summary>
    public required PreferenceLoss Loss { get; init; }

    /// <summary>The most rows of one pass, filled by whole pairs.</summary>
    public int RowsOfPass { get; init; } = 2048;

    /// <summary>The seed of the pairs' order.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public PreferenceTuningOptions Validate()
    {
        Require.That(RowsOfPass > 0, $"preferences: a pass must have at least one row, but it has {RowsOfPass}");
        Loss.Validate();
        return this;
    }
}

/// <summary>Pairs of answers, with the one that is preferred: DPO and its kin, by the record of the loss.</summary>
/// <remarks>
/// The loss is a mean over pairs. Reference log-probabilities are computed before (<see cref="ReferenceLogs"/>), so the reference takes no memory here.
/// </remarks>
public sealed class PreferenceTuning : Recipe
{
    private readonly Decoder decoder;
    private readonly PairSet training, validation;
    private readonly PreferenceTuningOptions options;
    private readonly ExamplePacking packing;
    private double margins, preferred, pairs;

    /// <summary>Learns from some pairs and is judged by others.</summary>
    /// <param name="decoder">The policy, with its weights as they are, and its adapter where one is applied.</param>
    /// <param name="training">What it learns from.</param>
    /// <param name="validation">What it is judged by.</param>
    /// <param name="options">How.</param>
    public PreferenceTuning(Decoder decoder, PairSet training, PairSet validation, PreferenceTuningOptions options)
    {
        (this.decoder, this.training, this.validation, this.options) = (decoder, training, validation, options.Validate());
        foreach ((PairSet set, string what) in new[] { (training, "training"), (validation, "validation") })
        {
            ExampleCheck.Require(Name, decoder, [.. set.Pairs.SelectMany(pair => new[] { pair.Chosen, pair.Rejected })], what);
            Require.That(!options.Loss.NeedsReference || set.Reference?.Count == set.Pairs.Count,
                $"{Name}: the loss compares with a reference, so the {set.Pairs.Count} pairs for {what} need "
                + $"its logarithms, but there are {set.Reference?.Count ?? 0}");
        }
        packing = new ExamplePacking(training.Pairs.Select(pair => pair.Rows), options.RowsOfPass, options.Seed);
    }

    /// <inheritdoc/>
    public override string Name => options.Loss.Name;

    /// <inheritdoc/>
    public override Model Model => decoder;

    /// <summary>The mean of ln(π_w/π_ref) − ln(π_l/π_ref), and the share of pairs in which it is above 0.</summary>
    public override IReadOnlyList<Metric> Metrics => [new("margin", margins / pairs), new("preferred", preferred / pairs)];

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(passes, packing.PassesPerEpoch);

    /// <inheritdoc/>
    public override void BeforeStep(Tape tape, long step) => (margins, preferred, pairs) = (0, 0, 0);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        int[] some = [.. packing.At(number)];
        (PairLogs logs, Tensor? balance, int rows) = Read(tape, training, some, random);
        TokensRead += rows;
        Count(tape, logs);
        Tensor sum = options.Loss.Sum(tape, logs);
        return new LossPart(balance is { } share ? tape.AddScaled(sum, share, some.Length) : sum, some.Length);
    }

    /// <summary>The share of validation pairs whose margin is above 0, with the mean margin and loss.</summary>
    public override Score Judge(Tape tape)
    {
        (double Margins, double Preferred, double Pairs) step = (margins, preferred, pairs);
        (margins, preferred, pairs) = (0, 0, 0);
        double loss = 0;
        foreach (int[] some in ExampleCheck.Batches([.. validation.Pairs.Select(pair => pair.Rows)], options.RowsOfPass))
        {
            PairLogs logs = Read(tape, validation, some, null).Logs;
            Count(tape, logs);
            loss += tape[options.Loss.Sum(tape, logs)][0];
            tape.Rewind();
        }
        Score score = new("validation_preferred", preferred / pairs, IsHigherBetter: true,
            Others: [new Metric("validation_margin", margins / pairs), new Metric("validation_loss", loss / pairs)]);
        (margins, preferred, pairs) = step;
        return score;
    }

    // All chosen answers, then all rejected ones.
    private (PairLogs Logs, Tensor? Balance, int Rows) Read(Tape tape, PairSet set, int[] some, Philox? random)
    {
        TokenExample[] chosen = [.. some.Select(pair => set.Pairs[pair].Chosen)], rejected = [.. some.Select(pair => set.Pairs[pair].Rejected)];
        ExampleRows rows = ExampleRows.Of([.. chosen, .. rejected]);
        Tensor logs = SequenceLogs.Of(tape, decoder, rows, random, out Tensor? balance);
        float[] ofChosen = new float[some.Length], ofRejected = new float[some.Length];
        if (set.Reference is { } reference)
        {
            for (int i = 0; i < some.Length; i++)
                (ofChosen[i], ofRejected[i]) = reference[some[i]];
        }
        Shape shape = new(some.Length);
        return (new PairLogs(tape.Part(logs, 0, some.Length), tape.Part(logs, some.Length, some.Length), tape.Input(shape, ofChosen), tape.Input(shape, ofRejected),
            chosen.Select(example => example.Predicted).ToArray(), rejected.Select(example => example.Predicted).ToArray()), balance, rows.Targets.Length);
    }

    private void Count(Tape tape, in PairLogs logs)
    {
        for (int i = 0; i < logs.Count; i++)
        {
            double margin = (double)tape[logs.Chosen][i] - tape[logs.ReferenceChosen][i] - ((double)tape[logs.Rejected][i] - tape[logs.ReferenceRejected][i]);
            (margins, preferred, pairs) = (margins + margin, preferred + (margin > 0 ? 1 : 0), pairs + 1);
        }
    }
}

/// <summary>Pairs, and what a reference makes of them.</summary>
/// <param name="Pairs">The pairs.</param>
/// <param name="Reference">Of the same pairs; null where the loss compares with no reference.</param>
public sealed record PairSet(IReadOnlyList<TokenPair> Pairs, ReferenceLogs? Reference = null);
