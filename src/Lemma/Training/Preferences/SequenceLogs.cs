using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>ln π(y|x) of whole answers: sums over their marked tokens, in nats.</summary>
public static class SequenceLogs
{
    /// <summary>One number an example.</summary>
    /// <param name="model">The model.</param>
    /// <param name="examples">The examples; their marked ids are the answers.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="rowsOfPass">The most rows of one pass; the result does not depend on it.</param>
    /// <param name="progress">Told how many examples are read.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static float[] Compute(Decoder model, IReadOnlyList<TokenExample> examples, Workers workers, int rowsOfPass = 2048, IProgress<int>? progress = null,
        CancellationToken cancellation = default)
    {
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        List<float> logs = [];
        foreach (ExampleRows rows in ExampleCheck.InPasses(examples, rowsOfPass))
        {
            cancellation.ThrowIfCancellationRequested();
            logs.AddRange(tape[Of(tape, model, rows, null)]);
            tape.Rewind();
            progress?.Report(logs.Count);
        }
        return [.. logs];
    }

    /// <summary>Those of a pass, [examples].</summary>
    internal static Tensor Of(Tape tape, Decoder model, ExampleRows rows, Lemma.Formulas.Philox? random) =>
        tape.Scale(tape.Sums(model.Losses(tape, rows.Rows, rows.Targets, random), rows.Rows.Lengths), -1);
}
