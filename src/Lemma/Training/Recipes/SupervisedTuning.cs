using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>How supervised tuning reads its examples.</summary>
public sealed record SupervisedTuningOptions
{
    /// <summary>The most rows of one pass, filled by whole examples.</summary>
    public int RowsOfPass { get; init; } = 2048;

    /// <summary>Whether the prompt sees all of itself, as the prefix of a prefix-LM.</summary>
    public bool SeesPrompt { get; init; }

    /// <summary>What stands beside −ln p while it learns: label smoothing, z-loss. It is judged without.</summary>
    public TokenLossTerms Terms { get; init; }

    /// <summary>The seed of the examples' order.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public SupervisedTuningOptions Validate()
    {
        Require.That(RowsOfPass > 0, $"sft: a pass must have at least one row, but it has {RowsOfPass}");
        Terms.Validate();
        return this;
    }
}

/// <summary>Supervised fine-tuning: the marked tokens of examples are predicted, those that the assistant says.</summary>
/// <remarks>L = −Σ ln π(yₜ | y&lt;ₜ) / (the marked tokens of the step). Examples of a pass do not see each other.</remarks>
public sealed class SupervisedTuning : Recipe
{
    private readonly Decoder decoder;
    private readonly IReadOnlyList<TokenExample> training, validation;
    private readonly ExamplePacking packing;
    private readonly SupervisedTuningOptions options;

    /// <summary>Learns from some examples and is judged by others.</summary>
    /// <param name="decoder">The model, with its weights as they are, and its adapter where one is applied.</param>
    /// <param name="training">What it learns from.</param>
    /// <param name="validation">What it is judged by.</param>
    /// <param name="options">How.</param>
    public SupervisedTuning(Decoder decoder, IReadOnlyList<TokenExample> training, IReadOnlyList<TokenExample> validation, SupervisedTuningOptions options)
    {
        (this.decoder, this.training, this.validation, this.options) = (decoder, training, validation, options.Validate());
        ExampleCheck.Require(Name, decoder, training, "training");
        ExampleCheck.Require(Name, decoder, validation, "validation");
        packing = new ExamplePacking(training.Select(example => example.Rows), options.RowsOfPass, options.Seed);
    }

    /// <inheritdoc/>
    public override string Name => "sft";

    /// <inheritdoc/>
    public override Model Model => decoder;

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(passes, packing.PassesPerEpoch);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        ExampleRows rows = ExampleRows.Of([.. packing.At(number).Select(example => training[example])], options.SeesPrompt);
        TokensRead += rows.Targets.Length;
        return decoder.Loss(tape, rows.Rows, rows.Targets, random, options.Terms);
    }

    /// <summary>The mean loss of the marked tokens of the validation examples.</summary>
    public override Score Judge(Tape tape)
    {
        (double sum, double weight) = (0, 0);
        foreach (ExampleRows rows in ExampleCheck.InPasses(validation, options.RowsOfPass, options.SeesPrompt))
        {
            LossPart loss = decoder.Loss(tape, rows.Rows, rows.Targets);
            (sum, weight) = (sum + tape[loss.Sum][0], weight + loss.Weight);
            tape.Rewind();
        }
        return new Score("validation_loss", sum / weight, Others: [new Metric("validation_perplexity", Math.Exp(sum / weight))]);
    }
}
