using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>How an encoder learns to fill in.</summary>
public sealed record MaskedModelingOptions
{
    /// <summary>Which ids are hidden.</summary>
    public required TokenMasking Masking { get; init; }

    /// <summary>The most rows of one pass, filled by whole texts.</summary>
    public int RowsOfPass { get; init; } = 2048;

    /// <summary>The seed of the texts' order.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>Masked language modeling, with the classes of texts where they have some: BERT's pretraining.</summary>
/// <remarks>Each time a text is read other ids are hidden. The loss is the mean over hidden ids plus the mean over texts with a class.</remarks>
public sealed class MaskedModeling : Recipe
{
    private readonly Encoder encoder;
    private readonly IReadOnlyList<MaskedText> training, validation;
    private readonly MaskedModelingOptions options;
    private readonly ExamplePacking packing;

    /// <summary>Learns from some texts and is judged by others, whose hidden ids are always the same.</summary>
    public MaskedModeling(Encoder encoder, IReadOnlyList<MaskedText> training, IReadOnlyList<MaskedText> validation, MaskedModelingOptions options)
    {
        (this.encoder, this.training, this.validation, this.options) = (encoder, training, validation, options);
        Require.That(encoder.Config.Head is not null, $"mlm: the encoder must have a head for masked tokens");
        foreach ((IReadOnlyList<MaskedText> texts, string what) in new[] { (training, "training"), (validation, "validation") })
            RequireFit(texts, what);
        packing = new ExamplePacking(training.Select(text => text.Ids.Length), options.RowsOfPass, options.Seed);
    }

    /// <inheritdoc/>
    public override string Name => "mlm";

    /// <inheritdoc/>
    public override Model Model => encoder;

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(passes, packing.PassesPerEpoch);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        MaskedRows rows = Read([.. packing.At(number).Select(text => training[text])], random.Split(1));
        TokensRead += rows.Targets.Length;
        Tensor hidden = encoder.Hidden(tape, rows.Rows, rows.TokenTypes, random.Split(0));
        LossPart loss = encoder.MaskedLoss(tape, hidden, rows.Targets, random.Split(0));
        return rows.Classes.Length == 0 ? loss : loss.Plus(tape, encoder.ClassLoss(tape, hidden, rows.Rows.Lengths, rows.Classes));
    }

    /// <summary>The mean loss of the hidden ids of the validation texts, the share that is filled in right, and of the classes.</summary>
    public override Score Judge(Tape tape)
    {
        (double sum, double asked, double filled, double classes, double right) = (0, 0, 0, 0, 0);
        for (int i = 0; i < validation.Count; i++)
        {
            MaskedRows rows = Read([validation[i]], new Philox(0, (ulong)i));
            Tensor hidden = encoder.Hidden(tape, rows.Rows, rows.TokenTypes);
            int[] places = [.. Enumerable.Range(0, rows.Targets.Length).Where(row => rows.Targets[row] != CrossEntropy.Ignore)];
            int[] targets = [.. places.Select(place => rows.Targets[place])];
            Tensor logits = encoder.MaskedLogits(tape, tape.Embedding(places, hidden));
            sum += tape[tape.Sum(tape.CrossEntropy(logits, targets))][0];
            (asked, filled) = (asked + targets.Length, filled + Likeliest(tape, logits, targets));
            if (rows.Classes.Length > 0)
                (classes, right) = (classes + 1, right + Likeliest(tape, encoder.ClassLogits(tape, hidden, rows.Rows.Lengths), rows.Classes));
            tape.Rewind();
        }
        Metric[] others = [new("validation_filled", filled / asked), .. classes > 0 ? [new Metric("validation_classes", right / classes)] : Array.Empty<Metric>()];
        return new Score("validation_loss", sum / asked, Others: others);
    }

    /// <summary>
    /// The share of the validation texts' hidden ids that an n-gram model guesses right (<see cref="FillIn"/>): the same ids that <see cref="Judge"/> hides.
    /// </summary>
    /// <remarks>Every hidden id cuts the context, also one that a random id hides or that is left as it was.</remarks>
    public double FilledBy(NGramModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        (long asked, long right) = (0, 0);
        for (int i = 0; i < validation.Count; i++)
        {
            int[] targets = Read([validation[i]], new Philox(0, (ulong)i)).Targets;
            bool[] isHidden = [.. targets.Select(target => target != CrossEntropy.Ignore)];
            for (int place = 0; place < targets.Length; place++)
            {
                if (!isHidden[place])
                    continue;
                asked++;
                right += FillIn.Guess(model, validation[i].Ids.Span, isHidden, place) == targets[place] ? 1 : 0;
            }
        }
        return (double)right / asked;
    }

    private static int Likeliest(Tape tape, Tensor logits, int[] targets)
    {
        int right = 0, width = logits.Shape.Columns;
        for (int row = 0; row < targets.Length; row++)
            right +=
                System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(tape[logits].Slice(row * width, width)) == targets[row] ? 1 : 0;
        return right;
    }

    private void RequireFit(IReadOnlyList<MaskedText> texts, string what)
    {
        Require.That(texts.Count > 0, $"mlm: there must be at least one text for {what}");
        bool hasTypes = encoder.Config.Stack.Embedding.TokenTypes > 0;
        for (int i = 0; i < texts.Count; i++)
        {
            MaskedText text = texts[i];
            Require.That(text.Ids.Length > 0 && text.Ids.Length <= encoder.Config.MaximumLength,
                $"mlm: {what} text {i} has {text.Ids.Length} ids, but the model reads 1 to {encoder.Config.MaximumLength}");
            Require.That(text.TokenTypes.IsEmpty || (hasTypes && text.TokenTypes.Length == text.Ids.Length),
                $"mlm: {what} text {i} has {text.TokenTypes.Length} kinds for {text.Ids.Length} ids, and the model {(hasTypes ? "has" : "has no")} kinds");
            Require.That(text.Class is null || (uint)text.Class < (uint)encoder.Config.Classes,
                $"mlm: {what} text {i} has the class {text.Class}, but the model has {encoder.Config.Classes}");
            bool canHide = false;
            foreach (int id in text.Ids.Span)
            {
                Require.That((uint)id < (uint)encoder.Config.VocabularySize,
                    $"mlm: {what} text {i} has the id {id}, but the vocabulary has {encoder.Config.VocabularySize}");
                canHide |= !options.Masking.SpecialIds.Contains(id);
            }
            Require.That(canHide, $"mlm: {what} text {i} has special ids alone, so nothing of it can be hidden");
        }
    }

    private MaskedRows Read(MaskedText[] texts, Philox random)
    {
        int[] lengths = [.. texts.Select(text => text.Ids.Length)], ids = new int[lengths.Sum()], targets = new int[ids.Length];
        bool hasTypes = texts.Any(text => !text.TokenTypes.IsEmpty);
        int[] types = hasTypes ? new int[ids.Length] : [];
        for (int i = 0, first = 0; i < texts.Length; first += lengths[i++])
        {
            texts[i].Ids.Span.CopyTo(ids.AsSpan(first));
            options.Masking.Mask(ids.AsSpan(first, lengths[i]), targets.AsSpan(first, lengths[i]), random.Split((ulong)i));
            if (hasTypes)
                texts[i].TokenTypes.Span.CopyTo(types.AsSpan(first));
        }
        int[] classes = texts.Any(text => text.Class is not null) ? [.. texts.Select(text => text.Class ?? CrossEntropy.Ignore)] : [];
        return new MaskedRows(new Rows(ids, lengths), targets, types, classes);
    }

    private readonly record struct MaskedRows(Rows Rows, int[] Targets, int[] TokenTypes, int[] Classes);
}
