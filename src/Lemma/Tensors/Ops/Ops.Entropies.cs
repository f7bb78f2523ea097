using Lemma.Compute;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>Hᵢ = −Σ p·ln p, p = softmax(zᵢ), in nats.</summary>
    /// <remarks>z: [rows, V]; H: [rows]. dz −= p·(ln p + H)·dH.</remarks>
    public static Tensor Entropies(this Tape tape, Tensor logits)
    {
        int rows = logits.Shape.Rows, width = logits.Shape.Columns;
        Tensor entropies = tape.New(new Shape(rows)), logs = tape.New(new Shape(rows));
        tape.Workers.Rows(rows, Workers.RowsFor(width), (tape, logits, entropies, logs), static (in s, first, count) =>
        {
            for (int row = first; row < first + count; row++)
            {
                ReadOnlySpan<float> z = RowsOf(s.tape, s.logits, row, 1);
                float log = Formulas.CrossEntropy.LogSumExp(z);
                double mean = 0;
                foreach (float value in z)
                    mean += Math.Exp((double)value - log) * value;
                (s.tape[s.logs][row], s.tape[s.entropies][row]) = (log, (float)(log - mean));
            }
        });
        tape.Record((logits, entropies, logs), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.entropies))
                return;
            tape.Gradient(s.logits);
            tape.Workers.Rows(s.logits.Shape.Rows, Workers.RowsFor(s.logits.Shape.Columns), (tape, s), static (in t, first, count) =>
            {
                for (int row = first; row < first + count; row++)
                {
                    ReadOnlySpan<float> z = RowsOf(t.tape, t.s.logits, row, 1);
                    Span<float> dz = GradientRows(t.tape, t.s.logits, row, 1);
                    double log = t.tape[t.s.logs][row], entropy = t.tape[t.s.entropies][row], up = t.tape.OutputGradient(t.s.entropies)[row];
                    for (int i = 0; i < z.Length; i++)
                        dz[i] -= (float)(Math.Exp(z[i] - log) * (z[i] - log + entropy) * up);
                }
            });
        });
        return entropies;
    }
}
