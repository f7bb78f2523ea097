using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>lᵢ = ln Σ e^zᵢ − zᵢ[target], 0 for a row that is left out.</summary>
    /// <remarks>logits: [rows, V]; −100 leaves a row out; l: [rows]. Where no one needs the logits, <see cref="LinearCrossEntropy"/> keeps fewer of them.</remarks>
    public static Tensor CrossEntropy(this Tape tape, Tensor logits, ReadOnlyMemory<int> targets, TokenLossTerms terms = default)
    {
        int rows = logits.Shape.Rows;
        Require.That(targets.Length == rows, $"cross_entropy: {targets.Length} targets for {rows} rows");
        Tensor losses = tape.New(new Shape(rows)), logs = tape.New(new Shape(rows));
        tape.Workers.Counter?.Logits(logits.Shape.Count);
        tape.Workers.Rows(rows, Workers.RowsFor(logits.Shape.Columns), (tape, logits, targets, losses, logs, terms), static (in s, first, count) =>
            Formulas.CrossEntropy.Forward(RowsOf(s.tape, s.logits, first, count), s.targets.Span.Slice(first, count),
                s.tape[s.losses].Slice(first, count), s.tape[s.logs].Slice(first, count), s.terms));
        tape.Record((logits, targets, losses, logs, terms), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.losses))
                return;
            tape.Gradient(s.logits);
            tape.Workers.Rows(s.logits.Shape.Rows, Workers.RowsFor(s.logits.Shape.Columns), (tape, s), static (in t, first, count) =>
            {
                Span<float> rows = RowsOf(t.tape, t.s.logits, first, count), sum = GradientRows(t.tape, t.s.logits, first, count);
                float[] gradient = System.Buffers.ArrayPool<float>.Shared.Rent(rows.Length);
                rows.CopyTo(gradient);
                Span<float> own = gradient.AsSpan(0, rows.Length);
                Formulas.CrossEntropy.Backward(own, t.s.targets.Span.Slice(first, count), t.tape[t.s.logs].Slice(first, count),
                    new ReadOnlySpan<float>(t.tape.OutputGradient(t.s.losses) + first, count), t.s.terms);
                System.Numerics.Tensors.TensorPrimitives.Add(sum, own, sum);
                System.Buffers.ArrayPool<float>.Shared.Return(gradient);
            });
        });
        return losses;
    }
}
