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
    private Sums sums = new();

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

    /// <summary>
    /// The mean of ln(π_w/π_ref) − ln(π_l/π_ref), and the share of pairs in which it is above 0; beside a reference the rewards β·ln(π/π_ref) of preferred
    /// and other answers, where the loss has a β, and ln(π/π_ref) a token of each.
    /// </summary>
    public override IReadOnlyList<Metric> Metrics => [.. sums.Metrics("", options.Loss)];

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(passes, packing.PassesPerEpoch);

    /// <inheritdoc/>
    public override void BeforeStep(Tape tape, long step) => sums = new();

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        int[] some = [.. packing.At(number)];
        (PairLogs logs, int rows) = Read(tape, training, some, random);
        TokensRead += rows;
        sums.Add(tape, logs);
        return new LossPart(options.Loss.Sum(tape, logs), some.Length);
    }

    /// <summary>The share of validation pairs whose margin is above 0, with the other numbers of <see cref="Metrics"/> and the mean loss.</summary>
    public override Score Judge(Tape tape)
    {
        Sums step = sums;
        sums = new();
        double loss = 0;
        foreach (int[] some in ExampleCheck.Batches([.. validation.Pairs.Select(pair => pair.Rows)], options.RowsOfPass))
        {
            PairLogs logs = Read(tape, validation, some, null).Logs;
            sums.Add(tape, logs);
            loss += tape[options.Loss.Sum(tape, logs)][0];
            tape.Rewind();
        }
        Metric[] others = [.. sums.Metrics("validation_", options.Loss).Where(metric => metric.Name != "validation_preferred")];
        Score score = new("validation_preferred", sums.Preferred / sums.Pairs, IsHigherBetter: true, Others: [.. others, new("validation_loss", loss / sums.Pairs)]);
        sums = step;
        return score;
    }

    // All chosen answers, then all rejected ones.
    private (PairLogs Logs, int Rows) Read(Tape tape, PairSet set, int[] some, Philox? random)
    {
        TokenExample[] chosen = [.. some.Select(pair => set.Pairs[pair].Chosen)], rejected = [.. some.Select(pair => set.Pairs[pair].Rejected)];
        ExampleRows rows = ExampleRows.Of([.. chosen, .. rejected]);
        Tensor logs = SequenceLogs.Of(tape, decoder, rows, random);
        float[] ofChosen = new float[some.Length], ofRejected = new float[some.Length];
        if (set.Reference is { } reference)
        {
            for (int i = 0; i < some.Length; i++)
                (ofChosen[i], ofRejected[i]) = reference[some[i]];
        }
        Shape shape = new(some.Length);
        return (new PairLogs(tape.Part(logs, 0, some.Length), tape.Part(logs, some.Length, some.Length), tape.Input(shape, ofChosen), tape.Input(shape, ofRejected),
            chosen.Select(example => example.Predicted).ToArray(), rejected.Select(example => example.Predicted).ToArray()), rows.Targets.Length);
    }

    // Of the pairs of a step or of an evaluation.
    private sealed class Sums
    {
        private double chosen, rejected, chosenTokens, rejectedTokens;

        public double Pairs { get; private set; }

        public double Preferred { get; private set; }

        public void Add(Tape tape, in PairLogs logs)
        {
            for (int i = 0; i < logs.Count; i++)
            {
                double ofChosen = (double)tape[logs.Chosen][i] - tape[logs.ReferenceChosen][i];
                double ofRejected = (double)tape[logs.Rejected][i] - tape[logs.ReferenceRejected][i];
                (chosen, rejected) = (chosen + ofChosen, rejected + ofRejected);
                (chosenTokens, rejectedTokens) = (chosenTokens + logs.ChosenTokens.Span[i], rejectedTokens + logs.RejectedTokens.Span[i]);
                (Preferred, Pairs) = (Preferred + (ofChosen > ofRejected ? 1 : 0), Pairs + 1);
            }
        }

        public IEnumerable<Metric> Metrics(string prefix, PreferenceLoss loss)
        {
            yield return new($"{prefix}margin", (chosen - rejected) / Pairs);
            yield return new($"{prefix}preferred", Preferred / Pairs);
            if (!loss.NeedsReference)
                yield break;
            if (loss.RewardScale is { } beta)
            {
                yield return new($"{prefix}chosen_reward", beta * chosen / Pairs);
                yield return new($"{prefix}rejected_reward", beta * rejected / Pairs);
            }
            yield return new($"{prefix}chosen_log_ratio", chosen / chosenTokens);
            yield return new($"{prefix}rejected_log_ratio", rejected / rejectedTokens);
        }
    }
}

/// <summary>Pairs, and what a reference makes of them.</summary>
/// <param name="Pairs">The pairs.</param>
/// <param name="Reference">Of the same pairs; null where the loss compares with no reference.</param>
public sealed record PairSet(IReadOnlyList<TokenPair> Pairs, ReferenceLogs? Reference = null);
