using System.Numerics.Tensors;
using Lemma.Compute;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>y = x·r·g, r = 1/√(mean x² + ε), a row.</summary>
    /// <remarks>x, y: [rows, d]; g: [d]. See <see cref="Formulas.RmsNorm"/>.</remarks>
    public static Tensor RmsNorm(this Tape tape, Tensor x, Tensor gain, float epsilon = 1e-5f)
    {
        Require.That(gain.Shape.Rank == 1 && gain.Shape[0] == x.Shape[^1], $"rms_norm: the gain {gain.Shape} must match the last axis of x {x.Shape}");
        Tensor y = tape.New(x.Shape), r = tape.New(new Shape(x.Shape.Rows));
        tape.Workers.Rows(x.Shape.Rows, Workers.RowsFor(x.Shape.Columns), (tape, x, gain, y, r, epsilon), static (in s, first, count) =>
            Formulas.RmsNorm.Forward(RowsOf(s.tape, s.x, first, count), s.tape[s.gain], s.epsilon,
                RowsOf(s.tape, s.y, first, count), s.tape[s.r].Slice(first, count)));
        tape.Record((x, gain, y, r), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            int size = Workers.RowsFor(s.x.Shape.Columns), d = s.x.Shape.Columns, rows = s.x.Shape.Rows;
            Arena.Mark mark = tape.Scratch.Here;
            float* partial = TakeZeros(tape, Parts(rows, size), d);
            tape.Workers.Rows(rows, size, (tape, s, Partial: (nint)partial, size, d), static (in t, first, count) =>
                Formulas.RmsNorm.Backward(RowsOf(t.tape, t.s.x, first, count), t.tape[t.s.gain], t.tape[t.s.r].Slice(first, count),
                    GradientRows(t.tape, t.s.y, first, count), GradientRows(t.tape, t.s.x, first, count),
                    new Span<float>((float*)t.Partial + (nint)(first / t.size) * t.d, t.d)));
            AddParts(partial, Parts(rows, size), tape.Gradient(s.gain));
            tape.Scratch.Rewind(mark);
        });
        return y;
    }

    /// <summary>y = γ(x − μ)/√(σ² + ε) + β, a row.</summary>
    /// <remarks>x, y: [rows, d]; γ, β: [d]. See <see cref="Formulas.LayerNorm"/>.</remarks>
    public static Tensor LayerNorm(this Tape tape, Tensor x, Tensor gamma, Tensor beta, float epsilon = 1e-5f)
    {
        Require.That(gamma.Shape.Rank == 1 && gamma.Shape[0] == x.Shape[^1], $"layer_norm: γ {gamma.Shape} must match the last axis of x {x.Shape}");
        Require.That(beta.Shape == gamma.Shape, $"layer_norm: β {beta.Shape} must have the shape of γ {gamma.Shape}");
        int rows = x.Shape.Rows;
        Tensor y = tape.New(x.Shape), mean = tape.New(new Shape(rows)), r = tape.New(new Shape(rows));
        tape.Workers.Rows(rows, Workers.RowsFor(x.Shape.Columns), (tape, x, gamma, beta, y, mean, r, epsilon), static (in s, first, count) =>
            Formulas.LayerNorm.Forward(RowsOf(s.tape, s.x, first, count), s.tape[s.gamma], s.tape[s.beta], s.epsilon,
                RowsOf(s.tape, s.y, first, count), s.tape[s.mean].Slice(first, count), s.tape[s.r].Slice(first, count)));
        tape.Record((x, gamma, beta, y, mean, r), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            int size = Workers.RowsFor(s.x.Shape.Columns), d = s.x.Shape.Columns, rows = s.x.Shape.Rows, parts = Parts(rows, size);
            Arena.Mark mark = tape.Scratch.Here;
            float* gammas = TakeZeros(tape, parts, d), betas = TakeZeros(tape, parts, d);
            tape.Workers.Rows(rows, size, (tape, s, Gammas: (nint)gammas, Betas: (nint)betas, size, d), static (in t, first, count) =>
                Formulas.LayerNorm.Backward(RowsOf(t.tape, t.s.x, first, count), t.tape[t.s.gamma],
                    t.tape[t.s.mean].Slice(first, count), t.tape[t.s.r].Slice(first, count),
                    GradientRows(t.tape, t.s.y, first, count), GradientRows(t.tape, t.s.x, first, count),
                    new Span<float>((float*)t.Gammas + (nint)(first / t.size) * t.d, t.d), new Span<float>((float*)t.Betas + (nint)(first / t.size) * t.d, t.d)));
            AddParts(gammas, parts, tape.Gradient(s.gamma));
            AddParts(betas, parts, tape.Gradient(s.beta));
            tape.Scratch.Rewind(mark);
        });
        return y;
    }

    private static int Parts(int rows, int size) => (rows + size - 1) / size;

    private static Span<float> RowsOf(Tape tape, Tensor x, int first, int count) =>
        new(tape.Pointer(x) + (nint)first * x.Shape.Columns, count * x.Shape.Columns);

    private static Span<float> GradientRows(Tape tape, Tensor x, int first, int count) =>
        new(tape.OutputGradient(x) + (nint)first * x.Shape.Columns, count * x.Shape.Columns);

    private static float* TakeZeros(Tape tape, int parts, int width)
    {
        float* memory = tape.Scratch.Take((long)parts * width);
        new Span<float>(memory, parts * width).Clear();
        return memory;
    }

    // Sums of parts in the order of rows: the parts depend on the shape alone.
    private static void AddParts(float* partial, int parts, Span<float> sum)
    {
        for (int part = 0; part < parts; part++)
            TensorPrimitives.Add(sum, new ReadOnlySpan<float>(partial + (nint)part * sum.Length, sum.Length), sum);
    }
}
