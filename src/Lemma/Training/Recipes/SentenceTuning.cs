using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>A model that turns texts into vectors learns from pairs of texts: by their scores, or by which belong together.</summary>
/// <remarks>
/// The losses see cosines alone, so vectors have any length. A pass counts as much as it has pairs; what its loss compares are the pairs that it holds.
/// </remarks>
public sealed class SentenceTuning : Recipe
{
    private static readonly Formula Order = FormulaIndex.Find("cosent"), Contrast = FormulaIndex.Find("in_batch_contrast");
    private readonly Model model;
    private readonly IReadOnlyList<TokenSentencePair> training, validation;
    private readonly SentenceTuningOptions options;
    private readonly Dictionary<string, object> numbers;
    private readonly ExamplePacking packing;

    /// <summary>Learns from some pairs and is judged by others.</summary>
    /// <param name="model">An encoder or a decoder, with its adapter where one is applied.</param>
    /// <param name="training">What it learns from.</param>
    /// <param name="validation">What it is judged by.</param>
    /// <param name="options">How.</param>
    public SentenceTuning(Model model, IReadOnlyList<TokenSentencePair> training, IReadOnlyList<TokenSentencePair> validation, SentenceTuningOptions options)
    {
        (this.model, this.training, this.validation, this.options) = (model, training, validation, options.Validate());
        numbers = new() { ["scale"] = options.Scale };
        Require.That(model is Encoder or Decoder, $"pairs: the model must be an encoder or a decoder, but it is {model.GetType().Name}");
        foreach ((IReadOnlyList<TokenSentencePair> pairs, string what) in new[] { (training, "training"), (validation, "validation") })
            RequireFit(pairs, what);
        packing = new ExamplePacking(training.Select(Length), options.RowsOfPass, options.Seed);
        if (options.Loss == SentenceLoss.Contrast)
            RequireOthers();
    }

    /// <inheritdoc/>
    public override string Name => "pairs";

    /// <inheritdoc/>
    public override Model Model => model;

    /// <inheritdoc/>
    public override DataPlace PlaceAfter(long passes) => DataPlace.After(passes, packing.PassesPerEpoch);

    /// <inheritdoc/>
    public override LossPart Pass(Tape tape, long number, Philox random)
    {
        TokenSentencePair[] some = [.. packing.At(number).Select(pair => training[pair])];
        TokensRead += some.Sum(Length);
        (Tensor first, Tensor second) = Read(tape, some, random);
        return Loss(tape, some, first, second);
    }

    /// <summary>
    /// Spearman's correlation of the cosines of the validation pairs with their scores; with contrast, the share of first texts whose partner is the nearest
    /// of its pass. Beside it their loss.
    /// </summary>
    public override Score Judge(Tape tape)
    {
        double[] cosines = new double[validation.Count];
        (double loss, double right, double asked) = (0, 0, 0);
        foreach (int[] some in ExampleCheck.Batches([.. validation.Select(Length)], options.RowsOfPass))
        {
            TokenSentencePair[] pairs = [.. some.Select(pair => validation[pair])];
            (Tensor first, Tensor second) = Read(tape, pairs, null);
            loss += tape[Loss(tape, pairs, first, second).Sum][0];
            for (int i = 0; i < some.Length; i++)
                cosines[some[i]] = Cosine(tape, first, i, second, i);
            if (options.Loss == SentenceLoss.Contrast && some.Length > 1)
                (right, asked) = (right + Nearest(tape, first, second), asked + some.Length);
            tape.Rewind();
        }
        Metric other = new("validation_loss", loss / validation.Count);
        if (options.Loss == SentenceLoss.Contrast)
            return new Score("validation_nearest", right / asked, IsHigherBetter: true, Others: [other]);
        double correlation = RankCorrelation.Spearman(cosines, [.. validation.Select(pair => pair.Score)]);
        return new Score("validation_spearman", correlation, IsHigherBetter: true, Others: [other]);
    }

    private static int Length(TokenSentencePair pair) => pair.First.Length + pair.Second.Length;

    // How many rows of the first have their own row of the second nearer than any other.
    private static int Nearest(Tape tape, Tensor first, Tensor second)
    {
        int right = 0, count = first.Shape.Rows;
        for (int i = 0; i < count; i++)
        {
            double own = Cosine(tape, first, i, second, i);
            bool isNearest = true;
            for (int j = 0; j < count && isNearest; j++)
                isNearest = j == i || Cosine(tape, first, i, second, j) < own;
            right += isNearest ? 1 : 0;
        }
        return right;
    }

    private static double Cosine(Tape tape, Tensor first, int i, Tensor second, int j)
    {
        int d = first.Shape.Columns;
        return Lemma.Formulas.Cosine.Of(tape[first].Slice(i * d, d), tape[second].Slice(j * d, d)).Value;
    }

    private LossPart Loss(Tape tape, TokenSentencePair[] pairs, Tensor first, Tensor second)
    {
        Tensor mean = options.Loss == SentenceLoss.Contrast ? tape.Apply(Contrast, numbers, ("first", first), ("second", second))
            : tape.Apply(Order, numbers, ("first", first), ("second", second),
                ("scores", tape.Input(new Shape(pairs.Length), [.. pairs.Select(pair => (float)pair.Score)])));
        return new LossPart(tape.Scale(mean, pairs.Length), pairs.Length);
    }

    // All first texts are one pass, and all second ones.
    private (Tensor First, Tensor Second) Read(Tape tape, TokenSentencePair[] pairs, Philox? random) =>
        (Vectors(tape, [.. pairs.Select(pair => pair.First)], random?.Split(0)), Vectors(tape, [.. pairs.Select(pair => pair.Second)], random?.Split(1)));

    private Tensor Vectors(Tape tape, ReadOnlyMemory<int>[] texts, Philox? random)
    {
        Rows rows = new(texts.SelectMany(text => text.ToArray()).ToArray(), texts.Select(text => text.Length).ToArray());
        Tensor hidden = model is Encoder encoder ? encoder.Hidden(tape, rows, dropout: random) : ((Decoder)model).Hidden(tape, rows, random);
        return options.Pooling switch
        {
            PoolingMode.First => Encoder.FirstRows(tape, hidden, rows.Lengths),
            PoolingMode.Last => Head.LastRows(tape, hidden, rows.Lengths),
            _ => tape.MeanOfRows(hidden, rows.Lengths),
        };
    }

    private void RequireFit(IReadOnlyList<TokenSentencePair> pairs, string what)
    {
        Require.That(pairs.Count > 1, $"pairs: there must be at least two pairs for {what}, but there are {pairs.Count}");
        (int longest, int vocabulary) = (model.AnyConfig.MaximumLength, model.AnyConfig.VocabularySize);
        for (int i = 0; i < pairs.Count; i++)
        {
            TokenSentencePair pair = pairs[i];
            foreach (ReadOnlyMemory<int> text in new[] { pair.First, pair.Second })
            {
                Require.That(text.Length > 0 && text.Length <= longest,
                    $"pairs: {what} pair {i} has a text of {text.Length} tokens, but the model reads 1 to {longest}");
                foreach (int id in text.Span)
                    Require.That((uint)id < (uint)vocabulary, $"pairs: {what} pair {i} has the id {id}, but the vocabulary has {vocabulary}");
            }
            Require.That(pair.Score is >= 0 and <= 1, $"pairs: a score must lie in [0, 1], but that of {what} pair {i} is {pair.Score}");
            Require.That(options.Loss == SentenceLoss.Order || pair.Score == 1,
                $"pairs: contrast learns from pairs that go together, with a score of 1, but that of {what} pair {i} is {pair.Score}");
        }
        Require.That(options.Loss == SentenceLoss.Contrast || pairs.Any(pair => pair.Score != pairs[0].Score),
            $"pairs: all pairs for {what} have the score {pairs[0].Score}, so they have no order; contrast learns from pairs that go together");
    }

    // The lengths of the passes are those of every epoch.
    private void RequireOthers()
    {
        for (int pass = 0; pass < packing.PassesPerEpoch; pass++)
        {
            IReadOnlyList<int> some = packing.At(pass);
            Require.That(some.Count > 1,
                $"pairs: with contrast a pass needs other pairs, but pair {some[0]} is alone in one of {options.RowsOfPass} rows; another number of rows may do");
        }
        Require.That(ExampleCheck.Batches([.. validation.Select(Length)], options.RowsOfPass).Any(some => some.Length > 1),
            $"pairs: with contrast a pass needs other pairs, but no two for validation fit {options.RowsOfPass} rows");
    }
}
