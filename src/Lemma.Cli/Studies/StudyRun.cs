using System.Numerics.Tensors;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Cli.Studies;

/// <summary>What a study computes with: the seed, the threads, and how models are trained on the spot.</summary>
/// <param name="seed">The seed of everything random.</param>
/// <param name="steps">Steps of each training.</param>
/// <param name="workers">The threads.</param>
/// <param name="progress">Is told the steps of all trainings so far.</param>
internal sealed class StudyRun(ulong seed, int steps, Workers workers, IProgress<int>? progress = null)
{
    private const int Warmup = 50;
    private int done;

    public ulong Seed => seed;

    public int Steps => steps;

    public Workers Workers => workers;

    /// <summary>AdamW by a rate that rises over the first steps and falls to 0 along a line.</summary>
    /// <param name="model">The model, with its first weights.</param>
    /// <param name="rate">The highest rate.</param>
    /// <param name="pass">The loss of a step of a number.</param>
    /// <param name="watch">Sees the tape, not recording, before the step of a number, and behind the last.</param>
    public void Train(Model model, double rate, Func<Tape, int, LossPart> pass, Action<Tape, int>? watch = null)
    {
        using Tape tape = new(workers, model.Parameters);
        Optimizer optimizer = new AdamWOptions().Make(model.Parameters, workers);
        model.Parameters.ForgetGradients();
        int warmup = Math.Clamp(steps / 8, 1, Warmup);
        for (int step = 0; step < steps; step++)
        {
            Watch(step);
            LossPart loss = pass(tape, step);
            tape.Backward(loss);
            tape.Rewind();
            optimizer.Step(rate * Math.Min(1, (step + 1.0) / warmup) * (1 - (double)step / steps), 1 / loss.Weight);
            progress?.Report(++done);
        }
        Watch(steps);

        void Watch(int step)
        {
            tape.Recording = false;
            watch?.Invoke(tape, step);
            tape.Rewind();
            tape.Recording = true;
        }
    }

    /// <summary>−ln p of each row's target, 0 where there is none.</summary>
    public static float[] Losses(Decoder decoder, Tape tape, Rows rows, int[] targets)
    {
        float[] losses = tape[decoder.Losses(tape, rows, targets)].ToArray();
        tape.Rewind();
        return losses;
    }

    /// <summary>The likeliest id behind each of some rows.</summary>
    public static int[] Likeliest(Decoder decoder, Tape tape, Rows rows, int[] places)
    {
        ReadOnlySpan<float> logits = tape[decoder.LogitsOf(tape, decoder.Hidden(tape, rows), places)];
        int[] ids = new int[places.Length];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = TensorPrimitives.IndexOfMax(logits.Slice(i * decoder.VocabularySize, decoder.VocabularySize));
        tape.Rewind();
        return ids;
    }

    /// <summary>A tape that does not record.</summary>
    public Tape Reader(Model model) => new(workers, model.Parameters) { Recording = false };
}
