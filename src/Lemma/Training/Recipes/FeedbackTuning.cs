using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>How judged answers are read and what they cost.</summary>
public sealed record FeedbackTuningOptions
{
    /// <summary>What an answer costs.</summary>
    public FeedbackLoss Loss { get; init; } = new KahnemanTverskyLoss();

    /// <summary>The most rows of one pass, filled by whole answers.</summary>
    public int RowsOfPass { get; init; } = 2048;

    /// <summary>The seed of the answers' order.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public FeedbackTuningOptions Validate()
    {
        Require.That(RowsOfPass > 0, $"feedback: a pass must have at least one row, but it has {RowsOfPass}");
        Loss.Validate();
        return this;
    }
}

/// <summary>Judged answers, what a reference makes of them, and of answers to other prompts, from which z₀ is estimated.</summary>
public sealed class FeedbackSet
{
    private FeedbackSet(IReadOnlyList<TokenFeedback> answers, TokenExample[] strangers, float[] reference, float[] ofStrangers) =>
        (Answers, Strangers, Reference, OfStrangers) = (answers, strangers, reference, ofStrangers);

    /// <summary>The answers.</summary>
    public IReadOnlyList<TokenFeedback> Answers { get; }

    /// <summary>Each prompt with the answer to the next one.</summary>
    internal TokenExample[] Strangers { get; }

    internal float[] Reference { get; }

    internal float[] OfStrangers { get; }

    /// <summary>Reads every answer twice as the reference: behind its prompt, and behind the one before.</summary>
    /// <param name="reference">The reference: the model before its training, or the base of its adapter while that is not applied.</param>
    /// <param name="answers">The answers, at least two.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="rowsOfPass">The most rows of one pass; the result does not depend on it.</param>
    /// <param name="progress">Told how many answers are read, twice each.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static FeedbackSet Compute(Decoder reference, IReadOnlyList<TokenFeedback> answers, Workers workers, int rowsOfPass = 2048,
        IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        Require.That(answers.Count >= 2, $"feedback: answers to other prompts need at least 2 answers, but there are {answers.Count}");
        TokenExample[] own = [.. answers.Select(answer => answer.Example)];
        TokenExample[] strangers = [.. own.Select((example, i) => Join(example, own[(i + 1) % own.Length], reference.MaximumLength))];
        float[] logs = SequenceLogs.Compute(reference, [.. own, .. strangers], workers, rowsOfPass, progress, cancellation);
        return new FeedbackSet(answers, strangers, logs[..own.Length], logs[own.Length..]);
    }

    private static TokenExample Join(TokenExample prompt, TokenExample answer, int longest)
    {
        int begins = prompt.Counts.Span.IndexOf(true), first = answer.Counts.Span.IndexOf(true);
        int room = Math.Max(1, Math.Min(answer.Ids.Length - first, longest + 1 - begins));
        bool[] counts = new bool[begins + room];
        answer.Counts.Span.Slice(first, room).CopyTo(counts.AsSpan(begins));
        return new TokenExample((int[])[.. prompt.Ids.Span[..begins], .. answer.Ids.Span.Slice(first, room)], counts);
    }
}

/// <summary>Answers that were judged one by one: good ones become likelier, others less, beside a reference. KTO and its kin.</summary>
/// <remarks>
/// z₀, the divergence that an answer must exceed, is the mean ln(π/π_ref) of a pass's prompts with answers to other prompts, at least 0 and a constant.
/// Ethayarajh et al. 2024, KTO, section 4.
/// </remarks>
public sealed class FeedbackTuning : Recipe
{
    private readonly Decoder decoder;
    private readonly FeedbackSet training, validation;
    private readonly FeedbackTuningOptions options;
    private readonly ExamplePacking packing;
    private double good, goodCount, bad, badCount, right, point;

    /// <summary>Learns from some answers and is judged by others.</summary>
    public FeedbackTuning(Decoder decoder, FeedbackSet training, FeedbackSet validation, FeedbackTuningOptions options)
    {
        (this.decoder, this.training, this.validation, this.options) = (decoder, training, validation, options.Validate());
        foreach ((FeedbackSet set, string what) in new[] { (training, "training"), (validation, "validation") })
        {
            ExampleCheck.Require(Name, decoder, [.. set.Answers.Select(answer => answer.Example)], what);
            ExampleCheck.Require(Name, decoder, set.Strangers, what);
            Require.That(set.Answers.Any(answer => answer.IsDesired) && set.Answers.Any(answer => !answer.IsDesired),
                $"{Name}: among the answers for {what} there must be good ones and others");
        }
        packing = new ExamplePacking(Rows(training), options.RowsOfPass, options.Seed);
    }

    /// <inheritdoc/>
    public override string Name => options.Loss.Name;

    /// <inheritdoc/>
    public override Model Model => decoder;

    /// <summary>The mean ln(π/π_ref) of good answers less that of the others, and z₀ of the last pass.</summary>
    public override IReadOnlyList<Metric> Metrics => [new("margin", good / Math.Max(1, goodCount) - bad / Math.Max(1, badCount)), new("reference_point", point)];

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(passes, packing.PassesPerEpoch);

    /// <inheritdoc/>
    public override void BeforeStep(Tape tape, long step) => (good, goodCount, bad, badCount) = (0, 0, 0, 0);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        return Loss(tape, training, [.. packing.At(number)], random);
    }

    /// <summary>The share of validation answers whose ln(π/π_ref) is above 0 just where they are good, with margin and loss.</summary>
    public override Score Judge(Tape tape)
    {
        (double, double, double, double, double) step = (good, goodCount, bad, badCount, point);
        (good, goodCount, bad, badCount, right) = (0, 0, 0, 0, 0);
        double loss = 0;
        foreach (int[] some in ExampleCheck.Batches(Rows(validation), options.RowsOfPass))
        {
            loss += tape[Loss(tape, validation, some, null).Sum][0];
            tape.Rewind();
        }
        Score score = new("validation_right", right / validation.Answers.Count, IsHigherBetter: true,
            Others: [new("validation_margin", good / Math.Max(1, goodCount) - bad / Math.Max(1, badCount)),
                new("validation_loss", loss / validation.Answers.Count)]);
        (good, goodCount, bad, badCount, point) = step;
        return score;
    }

    private static int[] Rows(FeedbackSet set) => [.. set.Answers.Select((answer, i) => answer.Example.Rows + set.Strangers[i].Rows)];

    private LossPart Loss(Tape tape, FeedbackSet set, int[] some, Philox? random)
    {
        point = options.Loss.NeedsReferencePoint ? ReferencePoint(tape, set, some) : 0;
        ExampleRows rows = ExampleRows.Of([.. some.Select(i => set.Answers[i].Example)]);
        TokensRead += rows.Targets.Length;
        Tensor logs = SequenceLogs.Of(tape, decoder, rows, random);
        float[] reference = [.. some.Select(i => set.Reference[i])];
        bool[] desirable = [.. some.Select(i => set.Answers[i].IsDesired)];
        for (int i = 0; i < some.Length; i++)
        {
            double ratio = (double)tape[logs][i] - reference[i];
            right += ratio > 0 == desirable[i] ? 1 : 0;
            (good, goodCount, bad, badCount) = desirable[i] ? (good + ratio, goodCount + 1, bad, badCount) : (good, goodCount, bad + ratio, badCount + 1);
        }
        Tensor sum = options.Loss.Sum(tape, new FeedbackLogs(logs, tape.Input(new Shape(some.Length), reference), desirable, point));
        return new LossPart(sum, some.Length);
    }

    // Without a gradient: z₀ is a constant.
    private double ReferencePoint(Tape tape, FeedbackSet set, int[] some)
    {
        bool recording = tape.Recording;
        Tape.Mark mark = tape.Here;
        tape.Recording = false;
        ExampleRows rows = ExampleRows.Of([.. some.Select(i => set.Strangers[i])]);
        TokensRead += rows.Targets.Length;
        double value = FeedbackLoss.ReferencePointOf(tape[SequenceLogs.Of(tape, decoder, rows, null)], [.. some.Select(i => set.OfStrangers[i])]);
        tape.Rewind(mark);
        tape.Recording = recording;
        return value;
    }
}
