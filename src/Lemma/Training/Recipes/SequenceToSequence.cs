using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>How an encoder and a decoder learn pairs.</summary>
public sealed record SequenceToSequenceOptions
{
    /// <summary>The most rows of one pass, those of sources and targets together, filled by whole pairs.</summary>
    public int RowsOfPass { get; init; } = 2048;

    /// <summary>The seed of the pairs' order.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>A target is predicted from a source: translation, summaries, texts with parts taken out.</summary>
/// <remarks>Texts become pairs by <see cref="SpanCorruption"/> or <see cref="TextInfilling"/>, anew each time they are read.</remarks>
public sealed class SequenceToSequence : Recipe
{
    private readonly EncoderDecoder model;
    private readonly Func<int, Philox, TokenSequencePair> training;
    private readonly IReadOnlyList<TokenSequencePair> validation;
    private readonly SequenceToSequenceOptions options;
    private readonly ExamplePacking packing;

    /// <summary>Learns from some pairs and is judged by others.</summary>
    public SequenceToSequence(EncoderDecoder model, IReadOnlyList<TokenSequencePair> training, IReadOnlyList<TokenSequencePair> validation,
        SequenceToSequenceOptions options)
        : this(model, [.. training.Select(RowsOf)], (pair, _) => training[pair], validation, options)
    {
        for (int i = 0; i < training.Count; i++)
            RequireFit(training[i], "training", i);
    }

    /// <summary>Learns from texts that are made into a pair anew each time they are read.</summary>
    /// <param name="model">The model.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="corrupt">The pair of a text; it has at most twice the text's rows.</param>
    /// <param name="validation">What it is judged by.</param>
    /// <param name="options">How.</param>
    public SequenceToSequence(EncoderDecoder model, IReadOnlyList<ReadOnlyMemory<int>> texts, Func<ReadOnlyMemory<int>, Philox, TokenSequencePair> corrupt,
        IReadOnlyList<TokenSequencePair> validation, SequenceToSequenceOptions options)
        : this(model, [.. texts.Select(text => 2 * text.Length)], (text, random) => corrupt(texts[text], random), validation, options) { }

    private SequenceToSequence(EncoderDecoder model, int[] rows, Func<int, Philox, TokenSequencePair> training, IReadOnlyList<TokenSequencePair> validation,
        SequenceToSequenceOptions options)
    {
        (this.model, this.training, this.validation, this.options) = (model, training, validation, options);
        Require.That(rows.Length > 0 && validation.Count > 0,
            $"seq2seq: there must be pairs, but there are {rows.Length} to learn from and {validation.Count} to judge by");
        for (int i = 0; i < validation.Count; i++)
            RequireFit(validation[i], "validation", i);
        packing = new ExamplePacking(rows, options.RowsOfPass, options.Seed);
    }

    /// <inheritdoc/>
    public override string Name => "seq2seq";

    /// <inheritdoc/>
    public override Model Model => model;

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(passes, packing.PassesPerEpoch);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        TokenSequencePair[] pairs = [.. packing.At(number).Select(pair => training(pair, random.Split((ulong)pair + 1)))];
        foreach (TokenSequencePair pair in pairs)
            RequireFit(pair, "training", 0);
        (Rows source, Rows target, int[] following) = Read(pairs);
        TokensRead += source.Ids.Length + target.Ids.Length;
        return model.Loss(tape, source, target, following, random.Split(0));
    }

    /// <summary>The mean loss of the validation targets, and the share of them that the model says word for word when it takes the likeliest ids.</summary>
    public override Score Judge(Tape tape)
    {
        (double sum, double weight, double exact) = (0, 0, 0);
        foreach (TokenSequencePair pair in validation)
        {
            (Rows source, Rows target, int[] following) = Read([pair]);
            Tensor logits = model.Logits(tape, source, target);
            sum += tape[tape.Sum(tape.CrossEntropy(logits, following))][0];
            weight += following.Length;
            // The likeliest ids are the target exactly when each is the likeliest behind those before it.
            int width = logits.Shape.Columns, row = 0;
            while (row < following.Length
                && System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(tape[logits].Slice(row * width, width)) == following[row])
                row++;
            exact += row == following.Length ? 1 : 0;
            tape.Rewind();
        }
        return new Score("validation_loss", sum / weight, Others: [new Metric("validation_exact", exact / validation.Count)]);
    }

    private static int RowsOf(TokenSequencePair pair) => pair.Source.Length + pair.Target.Length;

    private void RequireFit(TokenSequencePair pair, string what, int number)
    {
        int longest = model.MaximumLength;
        Require.That(pair.Source.Length > 0 && pair.Source.Length <= longest && pair.Target.Length > 0 && pair.Target.Length <= longest,
            $"seq2seq: source and target must have 1 to {longest} ids, but {what} pair {number} has {pair.Source.Length} and {pair.Target.Length}");
    }

    private (Rows Source, Rows Target, int[] Following) Read(TokenSequencePair[] pairs)
    {
        int[] following = [.. pairs.SelectMany(pair => pair.Target.ToArray())], inputs = new int[following.Length];
        for (int i = 0, first = 0; i < pairs.Length; first += pairs[i++].Target.Length)
        {
            inputs[first] = model.Config.DecoderBeginId;
            pairs[i].Target.Span[..^1].CopyTo(inputs.AsSpan(first + 1));
        }
        return (new Rows(pairs.SelectMany(pair => pair.Source.ToArray()).ToArray(), pairs.Select(pair => pair.Source.Length).ToArray()),
            new Rows(inputs, pairs.Select(pair => pair.Target.Length).ToArray()), following);
    }
}
