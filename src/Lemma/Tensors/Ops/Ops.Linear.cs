using System.Numerics.Tensors;
using Lemma.Formulas;

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
        ProductWithWeight(tape, rows, Matrix.Rows(tape.Pointer(x), inputs), weight, 0, outputs, tape.Pointer(y), bias is { } b ? tape.Pointer(b) : null);
        tape.Record((x, weight, bias, y), static (tape, in s) =>
        {
            float* dy = tape.OutputGradient(s.y);
            if (dy == null)
                return;
            int inputs = s.weight.Shape[^1], outputs = s.weight.Shape[0], rows = s.y.Shape.Rows;
            Matrix up = Matrix.Rows(dy, outputs);
            tape.Attribute(s.weight);
            float* dx = tape.GradientPointer(s.x, out bool add);
            Product(tape.Workers, rows, inputs, outputs, up, Matrix.Rows(tape.Pointer(s.weight), inputs), dx, inputs, add);
            if (!tape.IsFrozen(s.weight))
            {
                float* dw = tape.GradientPointer(s.weight, out add);
                WeightGradient(tape.Workers, rows, up, outputs, Matrix.Rows(tape.Pointer(s.x), inputs), inputs, dw, add);
            }
            if (s.bias is { } bias && !tape.IsFrozen(bias))
                SumRows(tape, dy, rows, outputs, bias);
        });
        return y;
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
