using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>Elements of logits that are kept at most, 64 MiB; what does not fit is computed again in the backward.</summary>
    private const long KeptLogits = 16L << 20;

    /// <summary>lᵢ = −ln softmax(xᵢ·Wᵀ)_target and the terms beside it, 0 for a row that is left out.</summary>
    /// <remarks>
    /// With a cap c logits z are bent to c·tanh(z/c) first. x: [rows, d]; W: [V, d]; targets: [rows], −100 to leave a row out; l: [rows]. Logits
    /// exist for a chunk of rows at a time, and only for rows that count. The targets must stay as they are until the tape is rewound.
    /// </remarks>
    public static Tensor LinearCrossEntropy(this Tape tape, Tensor x, Tensor weight, ReadOnlyMemory<int> targets, TokenLossTerms terms = default,
        float cap = 0)
    {
        int rows = x.Shape.Rows, d = x.Shape.Columns, vocabulary = weight.Shape[0];
        Require.That(weight.Shape.Rank == 2 && weight.Shape[1] == d, $"linear_cross_entropy: the weight {weight.Shape} must be [V, {d}]");
        Require.That(targets.Length == rows, $"linear_cross_entropy: {targets.Length} targets for {rows} rows");
        int counted = rows - targets.Span.Count(Formulas.CrossEntropy.Ignore);
        if (counted < rows)
            return LossesOfSome(tape, x, weight, targets, counted, terms, cap);
        int chunk = (int)Math.Clamp(KeptLogits / vocabulary / 12 * 12, 12, Math.Max(12, rows));
        Tensor losses = tape.New(new Shape(rows)), logs = tape.New(new Shape(rows));
        // One buffer for every chunk, the first last: the backward needs it first, since gradients of weights are sums in the order of rows.
        Tensor logits = tape.New(new Shape(Math.Min(chunk, rows), vocabulary));
        for (int first = (rows - 1) / chunk * chunk; first >= 0; first -= chunk)
        {
            int count = Math.Min(chunk, rows - first);
            Logits(tape, x, weight, first, count, logits, cap);
            tape.Workers.Rows(count, Workers.RowsFor(vocabulary), (tape, logits, targets, losses, logs, first, terms), static (in s, row, some) =>
                Formulas.CrossEntropy.Forward(RowsOf(s.tape, s.logits, row, some), s.targets.Span.Slice(s.first + row, some),
                    s.tape[s.losses].Slice(s.first + row, some), s.tape[s.logs].Slice(s.first + row, some), s.terms));
        }
        tape.Record((x, weight, targets, losses, logs, logits, chunk, terms, cap), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.losses))
                return;
            int rows = s.x.Shape.Rows, d = s.x.Shape.Columns, vocabulary = s.weight.Shape[0];
            float* dx = tape.GradientPointer(s.x, out bool addX);
            for (int first = 0; first < rows; first += s.chunk)
            {
                int count = Math.Min(s.chunk, rows - first);
                if (first > 0)
                {
                    WorkPhase phase = tape.BeginRecomputation();
                    Logits(tape, s.x, s.weight, first, count, s.logits, s.cap);
                    tape.EndRecomputation(phase);
                }
                tape.Workers.Rows(count, Workers.RowsFor(vocabulary), (tape, s, first), static (in t, row, some) =>
                {
                    for (int i = row; i < row + some; i++)
                        LogitSlopes(RowsOf(t.tape, t.s.logits, i, 1), t.s.targets.Span.Slice(t.first + i, 1), t.tape[t.s.logs].Slice(t.first + i, 1),
                            new ReadOnlySpan<float>(t.tape.OutputGradient(t.s.losses) + t.first + i, 1), t.s.terms, t.s.cap);
                });
                Matrix up = Matrix.Rows(tape.Pointer(s.logits), vocabulary);
                Product(tape.Workers, count, d, vocabulary, up, Matrix.Rows(tape.Pointer(s.weight), d), dx + (nint)first * d, d, addX);
                if (tape.IsFrozen(s.weight))
                    continue;
                float* dw = tape.GradientPointer(s.weight, out bool add);
                WeightGradient(tape.Workers, count, up, vocabulary, Matrix.Rows(tape.Pointer(s.x) + (nint)first * d, d), d, dw, add);
            }
        });
        return losses;
    }

    private static Tensor LossesOfSome(Tape tape, Tensor x, Tensor weight, ReadOnlyMemory<int> targets, int count, TokenLossTerms terms, float cap)
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
        return tape.Place(tape.LinearCrossEntropy(tape.Embedding(rows, x), weight, own, terms, cap), rows, targets.Length);
    }

    // The logits of one row become the gradient of those before the cap.
    private static void LogitSlopes(Span<float> logits, ReadOnlySpan<int> target, ReadOnlySpan<float> log, ReadOnlySpan<float> dy,
        TokenLossTerms terms, float cap)
    {
        Span<float> bent = cap == 0 ? [] : new(ThreadScratch.Take(logits.Length), logits.Length);
        if (cap != 0)
            logits.CopyTo(bent);
        Formulas.CrossEntropy.Backward(logits, target, log, dy, terms);
        if (cap != 0)
            SoftCap.ScaleSlopes(bent, cap, logits);
    }

    private static void Logits(Tape tape, Tensor x, Tensor weight, int first, int count, Tensor logits, float cap)
    {
        int d = x.Shape.Columns, vocabulary = weight.Shape[0];
        tape.Workers.Counter?.Logits((long)count * vocabulary);
        ProductWithWeight(tape, count, Matrix.Rows(tape.Pointer(x) + (nint)first * d, d), weight, 0, vocabulary, tape.Pointer(logits), vocabulary);
        if (cap == 0)
            return;
        tape.Workers.Rows(count, Workers.RowsFor(vocabulary), (tape, logits, cap), static (in s, row, some) =>
        {
            Span<float> rows = RowsOf(s.tape, s.logits, row, some);
            SoftCap.Forward(rows, s.cap, rows);
        });
    }
}
