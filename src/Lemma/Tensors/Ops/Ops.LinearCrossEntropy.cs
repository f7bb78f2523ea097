using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>Elements of logits that are kept at most, 64 MiB; what does not fit is computed again in the backward.</summary>
    private const long KeptLogits = 16L << 20;

    /// <summary>lᵢ = −ln softmax(xᵢ·Wᵀ)_target and the terms beside it, 0 for a row that is left out.</summary>
    /// <remarks>
    /// x: [rows, d]; W: [V, d]; targets: [rows], −100 to leave a row out; l: [rows]. Logits exist for a chunk of rows at a time, and only
    /// for rows that count.
    /// The targets must stay as they are until the tape is rewound.
    /// </remarks>
    public static Tensor LinearCrossEntropy(this Tape tape, Tensor x, Tensor weight, ReadOnlyMemory<int> targets, TokenLossTerms terms = default)
    {
        int rows = x.Shape.Rows, d = x.Shape.Columns, vocabulary = weight.Shape[0];
        Require.That(weight.Shape.Rank == 2 && weight.Shape[1] == d, $"linear_cross_entropy: the weight {weight.Shape} must be [V, {d}]");
        Require.That(targets.Length == rows, $"linear_cross_entropy: {targets.Length} targets for {rows} rows");
        int counted = rows - targets.Span.Count(Formulas.CrossEntropy.Ignore);
        if (counted < rows)
            return LossesOfSome(tape, x, weight, targets, counted, terms);
        int chunk = (int)Math.Clamp(KeptLogits / vocabulary / 12 * 12, 12, Math.Max(12, rows));
        Tensor losses = tape.New(new Shape(rows)), logs = tape.New(new Shape(rows));
        // One buffer for every chunk: after the forward it holds the last one, which the backward needs first.
        Tensor logits = tape.New(new Shape(Math.Min(chunk, rows), vocabulary));
        for (int first = 0; first < rows; first += chunk)
        {
            int count = Math.Min(chunk, rows - first);
            Logits(tape, x, weight, first, count, logits);
            tape.Workers.Rows(count, Workers.RowsFor(vocabulary), (tape, logits, targets, losses, logs, first, terms), static (in s, row, some) =>
                Formulas.CrossEntropy.Forward(RowsOf(s.tape, s.logits, row, some), s.targets.Span.Slice(s.first + row, some),
                    s.tape[s.losses].Slice(s.first + row, some), s.tape[s.logs].Slice(s.first + row, some), s.terms));
        }
        tape.Record((x, weight, targets, losses, logs, logits, chunk, terms), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.losses))
                return;
            int rows = s.x.Shape.Rows, d = s.x.Shape.Columns, vocabulary = s.weight.Shape[0];
            float* dx = tape.GradientPointer(s.x, out bool addX);
            int last = (rows - 1) / s.chunk * s.chunk;
            for (int first = last; first >= 0; first -= s.chunk)
            {
                int count = Math.Min(s.chunk, rows - first);
                if (first != last)
                    Logits(tape, s.x, s.weight, first, count, s.logits);
                tape.Workers.Rows(count, Workers.RowsFor(vocabulary), (tape, s, first), static (in t, row, some) =>
                    Formulas.CrossEntropy.Backward(RowsOf(t.tape, t.s.logits, row, some), t.s.targets.Span.Slice(t.first + row, some),
                        t.tape[t.s.logs].Slice(t.first + row, some), new ReadOnlySpan<float>(t.tape.OutputGradient(t.s.losses) + t.first + row, some), t.s.terms));
                Matrix up = Matrix.Rows(tape.Pointer(s.logits), vocabulary);
                Product(tape.Workers, count, d, vocabulary, up, Matrix.Rows(tape.Pointer(s.weight), d), dx + (nint)first * d, d, addX);
                if (tape.IsFrozen(s.weight))
                    continue;
                float* dw = tape.GradientPointer(s.weight, out bool add);
                Product(tape.Workers, vocabulary, d, count, up.Transposed, Matrix.Rows(tape.Pointer(s.x) + (nint)first * d, d), dw, d, add);
            }
        });
        return losses;
    }

    private static Tensor LossesOfSome(Tape tape, Tensor x, Tensor weight, ReadOnlyMemory<int> targets, int count, TokenLossTerms terms)
    {
        if (count == 0)
        {
            Tensor none = tape.New(new Shape(targets.Length));
            tape[none].Clear();
            return none;
        }
        Memory<int> rows = tape.TakeIntegers(count), own = tape.TakeIntegers(count);
        for (int row = 0, i = 0; row < targets.Length; row++)
        {
            if (targets.Span[row] != Formulas.CrossEntropy.Ignore)
                (rows.Span[i], own.Span[i++]) = (row, targets.Span[row]);
        }
        return tape.Place(tape.LinearCrossEntropy(tape.Embedding(rows, x), weight, own, terms), rows, targets.Length);
    }

    private static void Logits(Tape tape, Tensor x, Tensor weight, int first, int count, Tensor logits)
    {
        int d = x.Shape.Columns, vocabulary = weight.Shape[0];
        ProductWithWeight(tape, count, Matrix.Rows(tape.Pointer(x) + (nint)first * d, d), weight, 0, vocabulary, tape.Pointer(logits));
    }
}
