using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Cli.Studies;

/// <summary>A smooth metric and a thresholded one over the same models: why abilities seem to appear at once.</summary>
internal sealed class EmergenceStudy : Study
{
    private const int Letters = 256, Answer = 8, Batch = 32, Questions = 500;
    private static readonly int[] Widths = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16];

    /// <summary>Trainings of each width, each with first weights and questions of its own.</summary>
    public int Seeds { get; init; } = 5;

    public override string Name => "emergence";

    public override string Question => "Why do abilities seem to appear at once?";

    public override string Setup =>
        $"Decoders of one layer and growing width learn to put {Answer} letters into a code: each of {Letters} letters stands for another, and "
        + $"the answer is right when all {Answer} are. Each sees {Steps} steps of {Batch} questions. Over {Questions} new questions: the loss a "
        + $"letter (−ln p, as a share of that of a guess, ln {Letters}), the share of right letters p, the share of right answers, and p^{Answer}, "
        + $"what right answers would be if letters failed independently. Means of {Seeds} trainings.";

    public override string Conclusion =>
        "The loss falls width by width, and letters follow it. Answers stay near zero until half of the letters are right and then jump: a "
        + "threshold over eight letters turns a steady rise into a sudden one, because p^8 is 0.004 at a half and 0.43 at nine tenths. Answers "
        + "are p^8 nearly, so nothing new happens in the model where they jump. Plot a smooth metric before speaking of emergence. Schaeffer, "
        + "Miranda and Koyejo 2023, Are emergent abilities of large language models a mirage?";

    public override string Limits =>
        "That a threshold can make a jump does not say that every jump is one: what a model does may change at once in training, in its "
        + "smooth metrics too, as the page on examples in a prompt shows. The task is a table that is learned by heart, and the width decides "
        + "how much of it has room; language is not like that throughout.";

    public override IReadOnlyList<StudyChart> Charts { get; } =
    [
        new("Over the width of the model", "share", ["width", "weights", $"loss / ln {Letters}", "letters right", "answers right", $"p^{Answer}"], [2, 3, 4])
        {
            IsShare = true,
        },
    ];

    public override int Steps => 300;

    public override int Trainings => Widths.Length * Seeds;

    protected override IReadOnlyList<IReadOnlyList<double[]>> Run(StudyRun run) => [[.. Widths.Select(width => Measure(run, width))]];

    private double[] Measure(StudyRun run, int width)
    {
        DecoderConfig config = Presets.Gpt2(Letters, width, layers: 1, heads: 1, length: Answer) with { Head = new HeadConfig(Tied: false) };
        config = config.WithBlocks(block => block with { FeedForward = block.FeedForward with { Activation = Activation.Gelu } });
        using Decoder decoder = new(config);
        double[] means = new double[4];
        for (int seed = 0; seed < Seeds; seed++)
        {
            Philox random = new(run.Seed, (ulong)seed);
            decoder.Initialize(random.UInt64(0));
            run.Train(decoder, 0.005, (tape, step) =>
            {
                (int[] ids, int[] targets) = Draw(random.Split(1).Split((ulong)step), Batch);
                return decoder.Loss(tape, Rows.Windows(ids, Batch), targets);
            });
            using Tape tape = run.Reader(decoder);
            foreach ((int i, double value) in Score(decoder, tape, random.Split(2)).Index())
                means[i] += value / Seeds;
        }
        return [width, decoder.Parameters.Count, .. means];
    }

    // At each letter its code is asked for, which is another one: what a model can know is the width's, and no chance of finding the right place disturbs it.
    private static (int[] Ids, int[] Targets) Draw(Philox random, int count)
    {
        int[] ids = new int[count * Answer], targets = new int[ids.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = random.Below(Letters, (ulong)i);
            targets[i] = (ids[i] * 37 + 11) % Letters;
        }
        return (ids, targets);
    }

    // The loss as a share of a guess's, right letters, right answers, and what independent letters would give.
    private static double[] Score(Decoder decoder, Tape tape, Philox random)
    {
        (int[] ids, int[] targets) = Draw(random, Questions);
        ReadOnlySpan<float> logits = tape[decoder.Logits(tape, Rows.Windows(ids, Questions))];
        float[] losses = new float[targets.Length], logSumExp = new float[targets.Length];
        CrossEntropy.Forward(logits, targets, losses, logSumExp);
        int letters = 0, answers = 0;
        for (int question = 0; question < Questions; question++)
        {
            int right = 0;
            for (int row = question * Answer; row < (question + 1) * Answer; row++)
            {
                ReadOnlySpan<float> line = logits.Slice(row * Letters, Letters);
                right += System.Numerics.Tensors.TensorPrimitives.IndexOfMax(line) == targets[row] ? 1 : 0;
            }
            letters += right;
            answers += right == Answer ? 1 : 0;
        }
        double share = letters / (double)(Questions * Answer);
        return [losses.Sum(loss => (double)loss) / (Questions * Answer) / Math.Log(Letters), share, answers / (double)Questions, Math.Pow(share, Answer)];
    }
}
