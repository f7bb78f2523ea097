using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Cli.Studies;

/// <summary>A smooth metric and a thresholded one over the same models: why abilities seem to appear at once.</summary>
internal static class EmergenceStudy
{
    private const int Letters = 256, Answer = 8, Batch = 32, Steps = 400, Questions = 500;
    private static readonly int[] Widths = [4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 20];

    public static Study Definition { get; } = new("emergence", "Why do abilities seem to appear at once?", Run);

    private static StudyResult Run()
    {
        List<double[]> rows = [];
        foreach (int width in Widths)
            rows.Add(Measure(width));
        return new StudyResult(
            $"Decoders of one layer and growing width learn to spell {Answer} letters in a code: each of {Letters} letters stands for another, and "
            + $"the answer is right when all {Answer} are. Each sees the same {Steps} steps of {Batch} questions. Over {Questions} new questions: the loss a "
            + $"letter (−ln p, as a share of that of a guess, ln {Letters}), the share of right letters p, the share of right answers, and "
            + $"p^{Answer}, what right answers would be if letters failed independently.",
            [new StudyTable("Over the width of the model",
                ["width", "weights", $"loss / ln {Letters}", "letters right", "answers right", $"p^{Answer}"], rows, [2, 3, 4])],
            "The loss falls width by width, and letters follow it. Answers stay near zero until most letters are right and then jump: a threshold "
            + "over eight letters turns a slow rise into a sudden one, because p^8 is 0.004 at a half and 0.43 at nine tenths. Nothing new "
            + "happens in the model at that width. Plot a smooth metric before speaking of emergence. Schaeffer, Miranda and Koyejo 2023, Are "
            + "emergent abilities of large language models a mirage?");
    }

    private static double[] Measure(int width)
    {
        DecoderConfig config = Presets.Gpt2(Letters + 1, width, layers: 1, heads: 1, length: 2 * Answer) with { Head = new HeadConfig(Tied: false) };
        config = config.WithBlocks(block => block with { FeedForward = block.FeedForward with { Activation = Activation.Gelu } });
        using Workers workers = new();
        using Decoder decoder = new(config);
        decoder.Initialize(seed: 1);
        using Tape tape = new(workers, decoder.Parameters);
        AdamWOptimizer optimizer = new(decoder.Parameters, workers, new AdamWOptions());
        decoder.Parameters.ForgetGradients();
        for (int step = 0; step < Steps; step++)
        {
            (int[] ids, int[] targets) = Draw(new Philox(7, (ulong)step), Batch);
            tape.Backward(decoder.Loss(tape, Rows.Windows(ids, Batch), targets));
            tape.Rewind();
            optimizer.Step(0.01f * Math.Min(1, (step + 1) / 50f) * (1 - (float)step / Steps));
        }
        return [width, decoder.Parameters.Count, .. Score(decoder, tape)];
    }

    // Letters, a mark, and the letters in code as far as they are told already: position Answer + i asks for the code of letter i.
    private static (int[] Ids, int[] Targets) Draw(Philox random, int count)
    {
        int[] ids = new int[count * 2 * Answer], targets = new int[ids.Length];
        Array.Fill(targets, CrossEntropy.Ignore);
        for (int question = 0; question < count; question++)
        {
            Span<int> line = ids.AsSpan(question * 2 * Answer, 2 * Answer), wanted = targets.AsSpan(question * 2 * Answer, 2 * Answer);
            for (int i = 0; i < Answer; i++)
            {
                line[i] = random.Below(Letters, (ulong)(question * Answer + i));
                wanted[Answer + i] = (line[i] * 37 + 11) % Letters;
            }
            line[Answer] = Letters;
            wanted[Answer..^1].CopyTo(line[(Answer + 1)..]);
        }
        return (ids, targets);
    }

    // The loss as a share of a guess's, right letters, right answers, and what independent letters would give.
    private static double[] Score(Decoder decoder, Tape tape)
    {
        (int[] ids, int[] targets) = Draw(new Philox(8), Questions);
        tape.Recording = false;
        ReadOnlySpan<float> logits = tape[decoder.Logits(tape, Rows.Windows(ids, Questions))];
        float[] losses = new float[targets.Length], logSumExp = new float[targets.Length];
        CrossEntropy.Forward(logits, targets, losses, logSumExp);
        int letters = 0, answers = 0;
        for (int question = 0; question < Questions; question++)
        {
            int right = 0;
            for (int row = question * 2 * Answer + Answer; row < (question + 1) * 2 * Answer; row++)
            {
                ReadOnlySpan<float> line = logits.Slice(row * (Letters + 1), Letters + 1);
                right += System.Numerics.Tensors.TensorPrimitives.IndexOfMax(line) == targets[row] ? 1 : 0;
            }
            letters += right;
            answers += right == Answer ? 1 : 0;
        }
        double share = letters / (double)(Questions * Answer);
        return [losses.Sum(loss => (double)loss) / (Questions * Answer) / Math.Log(Letters), share, answers / (double)Questions, Math.Pow(share, Answer)];
    }
}
