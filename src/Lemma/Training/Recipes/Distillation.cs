using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>What a student is asked for.</summary>
public enum DivergenceDirection
{
    /// <summary>KL(teacher ‖ student): it covers all that the teacher may say.</summary>
    Forward,

    /// <summary>KL(student ‖ teacher): it says nothing that the teacher would not.</summary>
    Reverse,
}

/// <summary>How a student learns from a teacher.</summary>
public sealed record DistillationOptions
{
    /// <summary>Which divergence.</summary>
    public DivergenceDirection Direction { get; init; }

    /// <summary>The share of the examples' own loss, −ln π of the marked tokens, beside the divergence, in [0, 1].</summary>
    public double OwnShare { get; init; }

    /// <summary>Whether the student reads answers of its own, drawn anew for each pass, in the place of the examples'.</summary>
    public bool IsOnPolicy { get; init; }

    /// <summary>The most ids of an own answer.</summary>
    public int LongestAnswer { get; init; } = 64;

    /// <summary>The most rows of one pass, filled by whole examples.</summary>
    public int RowsOfPass { get; init; } = 1024;

    /// <summary>The seed of the examples' order and of own answers.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public DistillationOptions Validate()
    {
        Require.That(RowsOfPass > 0 && LongestAnswer > 0, $"distill: sizes must be positive, but rows {RowsOfPass}, longest answer {LongestAnswer}");
        Require.That(OwnShare is >= 0 and <= 1, $"distill: the share of the examples' own loss must be in [0, 1], but it is {OwnShare}");
        return this;
    }
}

/// <summary>A student learns the teacher's distribution over the next token, at the marked tokens of examples or of answers of its own.</summary>
/// <remarks>Hinton et al. 2015; on-policy: Agarwal et al. 2023, On-policy distillation of language models.</remarks>
public sealed class Distillation : Recipe, IDisposable
{
    private const ulong DrawStream = 0x64697374_00000000;
    private readonly Decoder student, teacher;
    private readonly IReadOnlyList<TokenExample> training, validation;
    private readonly DistillationOptions options;
    private readonly ExamplePacking packing;
    private readonly Tape teaching;
    private readonly RolloutMaker? maker;

    /// <summary>Learns from some examples and is judged by others.</summary>
    /// <param name="student">The model that learns.</param>
    /// <param name="teacher">The model that it learns from, with the same vocabulary; it stays as it is.</param>
    /// <param name="training">What both read.</param>
    /// <param name="validation">What the student is judged by.</param>
    /// <param name="workers">Who runs the teacher.</param>
    /// <param name="options">How.</param>
    public Distillation(Decoder student, Decoder teacher, IReadOnlyList<TokenExample> training, IReadOnlyList<TokenExample> validation, Workers workers,
        DistillationOptions options)
    {
        (this.student, this.teacher, this.training, this.validation, this.options) = (student, teacher, training, validation, options.Validate());
        Require.That(!ReferenceEquals(student, teacher), $"distill: the teacher must be another model than the student, which moves");
        Require.That(student.VocabularySize == teacher.VocabularySize,
            $"distill: student and teacher must have the same ids, but they have {student.VocabularySize} and {teacher.VocabularySize}");
        foreach (Decoder model in (Decoder[])[student, teacher])
        {
            ExampleCheck.Require(Name, model, training, "training");
            ExampleCheck.Require(Name, model, validation, "validation");
        }
        packing = new ExamplePacking(training.Select(example => example.Rows), options.RowsOfPass, options.Seed);
        teaching = new Tape(workers, teacher.Parameters) { Recording = false };
        maker = options.IsOnPolicy ? new RolloutMaker(student, workers) : null;
    }

    /// <inheritdoc/>
    public override string Name => "distill";

    /// <inheritdoc/>
    public override Model Model => student;

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(passes, packing.PassesPerEpoch);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        TokenExample[] examples = [.. packing.At(number).Select(example => training[example])];
        if (maker is not null)
        {
            ReadOnlyMemory<int>[] prompts = [.. examples.Select(example => example.Ids[..Math.Max(1, example.Counts.Span.IndexOf(true))])];
            Philox draws = new Philox(options.Seed, DrawStream).Split((ulong)number);
            examples = [.. maker.Make(prompts, 1, options.LongestAnswer, draws).Select(answer => answer.ToExample())];
        }
        ExampleRows rows = ExampleRows.Of(examples);
        TokensRead += rows.Targets.Length;
        return Loss(tape, rows, options.OwnShare, random);
    }

    /// <summary>The mean divergence at the marked tokens of the validation examples, in nats.</summary>
    public override Score Judge(Tape tape)
    {
        (double sum, double weight) = (0, 0);
        foreach (ExampleRows rows in ExampleCheck.InPasses(validation, options.RowsOfPass))
        {
            LossPart loss = Loss(tape, rows, 0, null);
            (sum, weight) = (sum + tape[loss.Sum][0], weight + loss.Weight);
            tape.Rewind();
        }
        return new Score("validation_divergence", sum / weight);
    }

    /// <summary>Gives the memory of the teacher's passes back.</summary>
    public void Dispose()
    {
        teaching.Dispose();
        maker?.Dispose();
    }

    private LossPart Loss(Tape tape, ExampleRows rows, double ownShare, Philox? random)
    {
        int[] places = rows.Counted();
        Tensor taught = teacher.LogitsOf(teaching, teacher.Hidden(teaching, rows.Rows), places);
        Tensor given = tape.Input(taught.Shape, teaching[taught]);
        teaching.Rewind();
        Tensor logits = student.LogitsOf(tape, student.Hidden(tape, rows.Rows, random), places);
        Tensor divergence = tape.Sum(options.Direction == DivergenceDirection.Forward
            ? tape.ForwardDivergences(logits, given) : tape.ReverseDivergences(logits, given));
        if (ownShare == 0)
            return new LossPart(divergence, places.Length);
        Tensor own = tape.Sum(tape.CrossEntropy(logits, places.Select(place => rows.Targets.Span[place]).ToArray()));
        return new LossPart(tape.AddScaled(tape.Scale(divergence, (float)(1 - ownShare)), own, (float)ownShare), places.Length);
    }
}
