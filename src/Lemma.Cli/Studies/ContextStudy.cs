using System.Numerics.Tensors;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Cli.Studies;

/// <summary>What a model learns to read from the examples of its prompt, which no n-gram can know.</summary>
internal sealed class ContextStudy : Study
{
    private const int Batch = 32, Layers = 2, Width = 64, Heads = 4, Watched = 16, Counted = 4, Order = 4;
    private static readonly int[] Examples = [0, 1, 2, 4, 8];

    /// <summary>What is read.</summary>
    public MappingTask Task { get; init; } = new(Names: 8, Places: 8, Pairs: 32);

    /// <summary>New sequences, and prompts of each number of examples.</summary>
    public int Asked { get; init; } = 1000;

    public override string Name => "examples";

    public override string Question => "What does a model learn from the examples in its prompt?";

    public override string Setup =>
        $"A sequence is {Task.Pairs} pairs of a name and a place: {Task.Names} names, each living at one of {Task.Places} places, drawn anew for "
        + "each sequence. So nothing about a name can be learned by heart: its place is known only where it came before. A decoder of Llama's "
        + $"shape ({Layers} layers, width {Width}, {Heads} heads) takes {Steps} steps of {Batch} sequences, with the loss at places alone, and is "
        + $"judged on {Asked} new sequences and on {Asked} prompts of each number of examples, of different names, with one of the {Task.Names} "
        + $"names behind. Beside it: who knows what was shown and guesses else (knowable), a {Order}-gram model (modified Kneser-Ney) and a "
        + "unigram model of places, counted over the first quarter of the training's sequences. Shown names: the share of right answers where the "
        + "name was among the examples. ± are standard errors.";

    public override string Conclusion =>
        "The model reads the mapping off its prompt: its loss by position is what can be known at each, to a few hundredths of a nat, and "
        + "with examples the share of right answers grows as the share of names that were shown. No weight moved for that. n-grams stay near "
        + "the guess; what the 4-gram gains, it gains where the same name stood in the pair before. The ability neither is there from the first "
        + "step nor comes little by little: for some hundred steps about a quarter of the answers is right, which needs no look-up (a place "
        + "that came before is a better guess than another), and then, within little more than a hundred steps, all are. Olsson et al. 2022, "
        + "In-context learning and induction heads, describe such a jump and the heads that make it.";

    public override string Limits =>
        "The model was trained on nothing but such sequences; a language model learns this from text on the way to something else, and how "
        + "far that reaches is not shown, nor that the heads of Olsson et al. are at work here. Names that were not shown are guessed, by the "
        + "model as by everybody: more examples help because more is shown, not because a rule becomes clearer. When the jump comes depends on "
        + "sizes (with 32 names and 32 places it had not come after 1,500 steps) and on the seed: with `--seed 2` and `3` it comes one to two "
        + "hundred steps later, and all else is the same.";

    public override IReadOnlyList<StudyChart> Charts { get; } =
    [
        new("Loss by position", "nats a place", ["pair", "model", "knowable", $"{Order}-gram", "unigram"], [1, 2, 3, 4]),
        new("Right answers by examples", "share of right answers", ["examples", "model", "±", "knowable", $"{Order}-gram", "±", "shown names", "±"], [1, 3, 4])
        {
            IsShare = true,
        },
        new("Loss by examples", "nats an answer", ["examples", "model", "±", "knowable", $"{Order}-gram", "unigram"], [1, 3, 4, 5]),
        new($"While it learns, {Examples[^1]} examples", "share of right answers", ["step", "model", "±"], [1]) { IsShare = true },
    ];

    public override int Steps => 1000;

    public override int Trainings => 1;

    protected override IReadOnlyList<IReadOnlyList<double[]>> Run(StudyRun run)
    {
        DecoderConfig config = Presets.Llama(Task.VocabularySize, Width, Layers, Heads, hidden: 176, length: 2 * Task.Pairs);
        using Decoder decoder = new(config);
        decoder.Initialize(run.Seed);
        List<double[]> course = [];
        run.Train(decoder, 0.004, (tape, step) =>
        {
            (int[] ids, int[] targets) = Task.Draw(Training(run, step), Batch);
            return decoder.Loss(tape, Rows.Windows(ids, Batch), targets);
        }, (tape, step) =>
        {
            if (step == run.Steps || step % Math.Max(1, run.Steps / Watched) == 0)
                course.Add([step, .. Answer(decoder, tape, run, Math.Min(Examples[^1], Task.Names)).Right.WithError()]);
        });
        using Tape reader = run.Reader(decoder);
        (NGramModel grams, NGramModel single) = Count(run);
        (double[][] right, double[][] loss) = ByExamples(decoder, reader, run, grams, single);
        return [ByPosition(decoder, reader, run, grams, single), right, loss, course];
    }

    private static Philox Training(StudyRun run, int step) => new(run.Seed + 100, (ulong)step);

    // n-grams go on from names to places, while one id alone cannot know which of both comes: it is counted over places.
    private (NGramModel Grams, NGramModel Single) Count(StudyRun run)
    {
        List<ReadOnlyMemory<int>> sequences = [], places = [];
        for (int step = 0; step < Math.Max(1, run.Steps / Counted); step++)
        {
            (int[] ids, int[] targets) = Task.Draw(Training(run, step), Batch);
            for (int i = 0; i < Batch; i++)
                sequences.Add(ids.AsMemory(i * 2 * Task.Pairs, 2 * Task.Pairs));
            places.Add(targets.Where(id => id >= 0).ToArray());
        }
        NGramModel Of(List<ReadOnlyMemory<int>> documents, int order) =>
            NGramModel.Estimate(NGramCounts.Count(documents, order, Task.VocabularySize, new NGramMarks(null, null)), new KneserNeySmoothing());
        return (Of(sequences, Order), Of(places, 1));
    }

    private double[][] ByPosition(Decoder decoder, Tape tape, StudyRun run, NGramModel grams, NGramModel single)
    {
        (int[] ids, int[] targets) = Task.Draw(new Philox(run.Seed + 200), Asked);
        float[] losses = StudyRun.Losses(decoder, tape, Rows.Windows(ids, Asked), targets);
        double[][] rows = [.. Enumerable.Range(0, Task.Pairs).Select(pair => new double[] { pair + 1, 0, Task.Knowable(Task.ShownBefore(pair)).Loss, 0, 0 })];
        for (int at = 0; at < ids.Length; at += 2)
        {
            int first = at / (2 * Task.Pairs) * 2 * Task.Pairs;
            double[] row = rows[(at - first) / 2];
            ReadOnlySpan<int> context = ids.AsSpan(first, at + 1 - first);
            row[1] += losses[at] / Asked;
            row[3] -= Math.Log(grams.Probability(context, targets[at])) / Asked;
            row[4] -= Math.Log(single.Probability(context, targets[at])) / Asked;
        }
        return rows;
    }

    private (double[][] Right, double[][] Loss) ByExamples(Decoder decoder, Tape tape, StudyRun run, NGramModel grams, NGramModel single)
    {
        List<double[]> right = [], loss = [];
        foreach (int examples in Examples.Where(count => count <= Task.Names))
        {
            Answers answers = Answer(decoder, tape, run, examples);
            (double known, double knownLoss) = Task.Knowable((double)examples / Task.Names);
            StudyMean gram = new(), gramLoss = new(), singleLoss = new(), shown = new();
            int length = 2 * examples + 1;
            double[] row = new double[Task.VocabularySize];
            for (int i = 0; i < Asked; i++)
            {
                NGramState state = grams.After(answers.Ids.AsSpan(i * length, length));
                grams.Distribution(state, row);
                gram.Add(TensorPrimitives.IndexOfMax<double>(row) == answers.Wanted[i] ? 1 : 0);
                gramLoss.Add(-Math.Log(row[answers.Wanted[i]]));
                singleLoss.Add(-Math.Log(single.Probability(single.Begin, answers.Wanted[i])));
                if (answers.IsShown[i])
                    shown.Add(answers.IsRight[i] ? 1 : 0);
            }
            right.Add([examples, .. answers.Right.WithError(), known, .. gram.WithError(), .. shown.WithError()]);
            loss.Add([examples, .. answers.Loss.WithError(), knownLoss, gramLoss.Value, singleLoss.Value]);
        }
        return ([.. right], [.. loss]);
    }

    private Answers Answer(Decoder decoder, Tape tape, StudyRun run, int examples)
    {
        (int[] ids, int[] wanted, bool[] isShown) = Task.Ask(new Philox(run.Seed + 300, (ulong)examples), Asked, examples);
        int length = 2 * examples + 1;
        int[] targets = new int[ids.Length], places = [.. Enumerable.Range(1, Asked).Select(i => i * length - 1)];
        Array.Fill(targets, CrossEntropy.Ignore);
        for (int i = 0; i < Asked; i++)
            targets[places[i]] = wanted[i];
        float[] losses = StudyRun.Losses(decoder, tape, Rows.Windows(ids, Asked), targets);
        int[] said = StudyRun.Likeliest(decoder, tape, Rows.Windows(ids, Asked), places);
        bool[] isRight = [.. said.Zip(wanted, (a, b) => a == b)];
        StudyMean right = new(), loss = new();
        for (int i = 0; i < Asked; i++)
        {
            right.Add(isRight[i] ? 1 : 0);
            loss.Add(losses[places[i]]);
        }
        return new Answers(ids, wanted, isShown, isRight, right, loss);
    }

    private sealed record Answers(int[] Ids, int[] Wanted, bool[] IsShown, bool[] IsRight, StudyMean Right, StudyMean Loss);
}
