using System.Numerics.Tensors;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>yᵢ = the mean of the rows of sequence i.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, d], sequence after sequence.</param>
    /// <param name="lengths">The rows of each sequence, at least one.</param>
    /// <returns>[sequences, d].</returns>
    public static Tensor MeanOfRows(this Tape tape, Tensor x, ReadOnlyMemory<int> lengths)
    {
        ReadOnlyMemory<int> offsets = Offsets(tape, lengths.Span, x.Shape.Rows);
        foreach (int length in lengths.Span)
            Require.That(length > 0, $"mean_of_rows: a sequence must have a row, but one has {length}");
        Tensor y = tape.New(new Shape(lengths.Length, x.Shape.Columns));
        tape.Workers.Run(lengths.Length, (tape, x, y, offsets), static (in s, i) =>
        {
            int first = s.offsets.Span[i], count = s.offsets.Span[i + 1] - first;
            Span<float> sum = RowsOf(s.tape, s.y, i, 1);
            sum.Clear();
            for (int row = first; row < first + count; row++)
                TensorPrimitives.Add(sum, RowsOf(s.tape, s.x, row, 1), sum);
            TensorPrimitives.Divide(sum, count, sum);
        });
        tape.Record((x, y, offsets), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            tape.Workers.Run(s.offsets.Length - 1, (tape, s), static (in t, i) =>
            {
                int first = t.s.offsets.Span[i], count = t.s.offsets.Span[i + 1] - first;
                for (int row = first; row < first + count; row++)
                {
                    Span<float> dx = GradientRows(t.tape, t.s.x, row, 1);
                    TensorPrimitives.MultiplyAdd(GradientRows(t.tape, t.s.y, i, 1), 1f / count, dx, dx);
                }
            });
        });
        return y;
    }
}
