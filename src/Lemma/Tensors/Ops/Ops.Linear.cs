using System.Numerics.Tensors;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>y = x·Wᵀ + b.</summary>
    /// <remarks>x: [rows, in]; W: [out, in]; b: [out] or none; y: [rows, out]. dx = dy·W; dW = dyᵀ·x; db = Σ rows dy.</remarks>
    public static Tensor Linear(this Tape tape, Tensor x, Tensor weight, Tensor? bias = null)
    {
        int inputs = weight.Shape[^1], outputs = weight.Shape[0], rows = x.Shape.Rows;
        Require.That(weight.Shape.Rank == 2 && x.Shape.Columns == inputs, $"linear: the weight {weight.Shape} must be [out, {x.Shape.Columns}] for x {x.Shape}");
        Require.That(bias is null || bias.Value.Shape.Count == outputs, $"linear: the bias {bias?.Shape} must have {outputs} elements");
        Tensor y = tape.New(new Shape(rows, outputs));
        ProductWithWeight(tape, rows, Matrix.Rows(tape.Pointer(x), inputs), weight, 0, outputs, tape.Pointer(y), outputs,
            bias: bias is { } b ? tape.Pointer(b) : null);
        tape.Record((x, weight, bias, y), static (tape, in s) =>
        {
            float* dy = tape.OutputGradient(s.y);
            if (dy == null)
                return;
            int outputs = s.y.Shape.Columns;
            LinearGradients(tape, Matrix.Rows(dy, outputs), s.x, s.weight);
            if (s.bias is { } bias && !tape.IsFrozen(bias))
                SumRows(tape, dy, s.y.Shape.Rows, outputs, bias);
        });
        return y;
    }

    /// <summary>Adds a product to some columns of every row: y[:, first…] += x·Wᵀ.</summary>
    /// <remarks>What is added never lies in memory of its own, nor does its gradient, which is that of the columns.</remarks>
    /// <param name="tape">The tape.</param>
    /// <param name="y">[rows, …], whose values no operation needs for its backward.</param>
    /// <param name="first">The first column.</param>
    /// <param name="x">[rows, in].</param>
    /// <param name="weight">[out, in].</param>
    internal static void AddLinearInPlace(this Tape tape, Tensor y, int first, Tensor x, Tensor weight)
    {
        int inputs = weight.Shape[^1], outputs = weight.Shape[0], columns = y.Shape.Columns;
        Require.That(weight.Shape.Rank == 2 && x.Shape.Columns == inputs && x.Shape.Rows == y.Shape.Rows && first >= 0 && first <= columns - outputs,
            $"linear: x {x.Shape} by the weight {weight.Shape} cannot be added to {y.Shape} from column {first} on");
        Require.That(!tape.IsParameter(y), $"linear: a parameter cannot be changed in place");
        ProductWithWeight(tape, x.Shape.Rows, Matrix.Rows(tape.Pointer(x), inputs), weight, 0, outputs, tape.Pointer(y) + first, columns, add: true);
        tape.FreezeWith(y, y, x, weight);
        tape.Record((y, first, x, weight), static (tape, in s) =>
        {
            float* dy = tape.OutputGradient(s.y);
            if (dy != null)
                LinearGradients(tape, Matrix.Rows(dy + s.first, s.y.Shape.Columns), s.x, s.weight);
        });
    }

    // dx += dy·W and dW += dyᵀ·x, each where somebody reads it: nothing learns below the first block of a frozen model.
    private static void LinearGradients(Tape tape, Matrix up, Tensor x, Tensor weight)
    {
        int inputs = weight.Shape[^1], outputs = weight.Shape[0], rows = x.Shape.Rows;
        tape.Attribute(weight);
        if (!tape.IsFrozen(x))
        {
            float* dx = tape.GradientPointer(x, out bool adds);
            Arena.Mark mark = tape.Scratch.Here;
            float* w = tape.Quantized(weight) is { } quantized ? RowsOf(tape, quantized) : tape.Pointer(weight);
            Product(tape.Workers, rows, inputs, outputs, up, Matrix.Rows(w, inputs), dx, inputs, adds);
            tape.Scratch.Rewind(mark);
        }
        if (tape.IsFrozen(weight))
            return;
        float* dw = tape.GradientPointer(weight, out bool add);
        WeightGradient(tape.Workers, rows, up, outputs, Matrix.Rows(tape.Pointer(x), inputs), inputs, dw, add);
    }

    // A quantized weight as floats, for the gradient that passes through it.
    private static float* RowsOf(Tape tape, Parameter parameter)
    {
        float* rows = tape.Scratch.Take(parameter.Count);
        int columns = parameter.Shape.Columns;
        tape.Workers.Rows(parameter.Shape.Rows, 64, (parameter, Rows: (nint)rows, columns), static (in s, first, count) =>
        {
            for (int row = first; row < first + count; row++)
            {
                WeightPiece piece = Parameters.PieceOf(s.parameter, row);
                piece.CopyRow(row - piece.FirstRow, new Span<float>((float*)s.Rows + (nint)row * s.columns, s.columns));
            }
        });
        return rows;
    }

    // db += Σ rows dy: threads split the columns, rows are added in order.
    private static void SumRows(Tape tape, float* dy, int rows, int columns, Tensor bias)
    {
        tape.Gradient(bias);
        float* to = tape.GradientPointer(bias, out _);
        tape.Workers.Run((columns + 255) / 256, (From: (nint)dy, To: (nint)to, rows, columns), static (in s, index) =>
        {
            int first = index * 256, count = Math.Min(256, s.columns - first);
            Span<float> sum = new((float*)s.To + first, count);
            for (int row = 0; row < s.rows; row++)
                TensorPrimitives.Add(sum, new ReadOnlySpan<float>((float*)s.From + (nint)row * s.columns + first, count), sum);
        });
    }
}
