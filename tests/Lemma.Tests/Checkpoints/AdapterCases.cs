using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Checkpoints;

/// <summary>Where the golden adapters and their models lie, and what both are asked for.</summary>
internal static class AdapterCases
{
    /// <summary>The model of an adapter; several adapters are of one checkpoint.</summary>
    public static string Checkpoint(string name) => Golden("checkpoints", name.Replace("-embeddings", "", StringComparison.Ordinal));

    /// <summary>A folder of golden files.</summary>
    public static string Golden(string kind, string name) => Path.Combine(AppContext.BaseDirectory, "Golden", kind, name);

    /// <summary>Logits without recording.</summary>
    public static float[] Logits(Workers workers, Decoder model, int[] ids)
    {
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        return tape[model.Logits(tape, Rows.One(ids))].ToArray();
    }

    /// <summary>The largest difference.</summary>
    public static double Difference(float[] one, float[] other)
    {
        Assert.Equal(one.Length, other.Length);
        return one.Zip(other, (a, b) => Math.Abs((double)a - b)).Max();
    }

    /// <summary>The losses of steps that an applied adapter of a frozen model takes alone.</summary>
    public static List<float> Learn(Workers workers, Decoder model, Adapter adapter, int[] ids, int[] targets, int steps)
    {
        model.Parameters.IsFrozen = true;
        AdamWOptimizer optimizer = new(adapter.Parameters, workers, new AdamWOptions { WeightDecay = 0 });
        using Tape tape = new(workers, model.Parameters);
        List<float> losses = [];
        for (int step = 0; step < steps; step++)
        {
            LossPart loss = model.Loss(tape, Rows.One(ids), targets);
            losses.Add((float)loss.Mean(tape));
            tape.Backward(loss);
            tape.Rewind();
            optimizer.Step(0.02f);
        }
        return losses;
    }
}
