using Lemma.Compute;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>L = mean(log Σ e^l − l[target]) over the rows that have a target.</summary>
    /// <remarks>logits: [rows, V]; −100 leaves a row out. Where no one needs the logits, <see cref="LinearCrossEntropy"/> keeps fewer of them.</remarks>
    public static Tensor CrossEntropy(this Tape tape, Tensor logits, ReadOnlyMemory<int> targets)
    {
        int rows = logits.Shape.Rows;
        Require.That(targets.Length == rows, $"cross_entropy: {targets.Length} targets for {rows} rows");
        Tensor loss = tape.New(new Shape(1)), losses = tape.New(new Shape(rows)), logs = tape.New(new Shape(rows));
        tape.Workers.Rows(rows, Workers.RowsFor(logits.Shape.Columns), (tape, logits, targets, losses, logs), static (in s, first, count) =>
            Formulas.CrossEntropy.Forward(RowsOf(s.tape, s.logits, first, count), s.targets.Span.Slice(first, count),
                s.tape[s.losses].Slice(first, count), s.tape[s.logs].Slice(first, count)));
        int counted = 0;
        double sum = 0;
        for (int row = 0; row < rows; row++)
        {
            counted += targets.Span[row] == Formulas.CrossEntropy.Ignore ? 0 : 1;
            sum += tape[losses][row];
        }
        tape[loss][0] = counted == 0 ? 0 : (float)(sum / counted);
        tape.Record((logits, targets, loss, logs, counted), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.loss) || s.counted == 0)
                return;
            float scale = tape.Gradient(s.loss)[0] / s.counted;
            tape.Gradient(s.logits);
            tape.Workers.Rows(s.logits.Shape.Rows, Workers.RowsFor(s.logits.Shape.Columns), (tape, s, scale), static (in t, first, count) =>
            {
                Span<float> rows = RowsOf(t.tape, t.s.logits, first, count), sum = GradientRows(t.tape, t.s.logits, first, count);
                float[] gradient = System.Buffers.ArrayPool<float>.Shared.Rent(rows.Length);
                rows.CopyTo(gradient);
                Span<float> own = gradient.AsSpan(0, rows.Length);
                Formulas.CrossEntropy.Backward(own, t.s.targets.Span.Slice(first, count), t.tape[t.s.logs].Slice(first, count), t.scale);
                System.Numerics.Tensors.TensorPrimitives.Add(sum, own, sum);
                System.Buffers.ArrayPool<float>.Shared.Return(gradient);
            });
        });
        return loss;
    }
}
