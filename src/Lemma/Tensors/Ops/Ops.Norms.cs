using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>y = x·r·g, r = 1/√(mean x² + ε), a row.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, d].</param>
    /// <param name="gain">g: [d]; null for 1.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="onePlus">Whether g is one more than what is given.</param>
    /// <returns>y: [rows, d]. See <see cref="Formulas.RmsNorm"/>.</returns>
    public static Tensor RmsNorm(this Tape tape, Tensor x, Tensor? gain, float epsilon = 1e-5f, bool onePlus = false)
    {
        Require.That(gain is null || (gain.Value.Shape.Rank == 1 && gain.Value.Shape[0] == x.Shape[^1]),
            $"rms_norm: the gain {gain?.Shape} must match the last axis of x {x.Shape}");
        Tensor g = GainOf(tape, gain, x.Shape[^1], onePlus);
        Tensor y = tape.New(x.Shape), r = tape.New(new Shape(x.Shape.Rows));
        tape.Workers.Rows(x.Shape.Rows, Workers.RowsFor(x.Shape.Columns), (tape, x, g, y, r, epsilon), static (in s, first, count) =>
            Formulas.RmsNorm.Forward(RowsOf(s.tape, s.x, first, count), s.tape[s.g], s.epsilon,
                RowsOf(s.tape, s.y, first, count), s.tape[s.r].Slice(first, count)));
        tape.FreezeWith(y, x, gain);
        tape.Record((x, g, gain, y, r), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            tape.Workers.Rows(s.x.Shape.Rows, Workers.RowsFor(s.x.Shape.Columns), (tape, s), static (in t, first, count) =>
                Formulas.RmsNorm.BackwardInput(RowsOf(t.tape, t.s.x, first, count), t.tape[t.s.g], t.tape[t.s.r].Slice(first, count),
                    GradientRows(t.tape, t.s.y, first, count), GradientRows(t.tape, t.s.x, first, count)));
            if (s.gain is { } learned)
                AddGains(tape, SumOf(tape, s.x, s.y, null, s.r), learned, null);
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
        tape.FreezeWith(y, x, gamma, beta);
        tape.Record((x, gamma, beta, y, mean, r), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            tape.Workers.Rows(s.x.Shape.Rows, Workers.RowsFor(s.x.Shape.Columns), (tape, s), static (in t, first, count) =>
                Formulas.LayerNorm.BackwardInput(RowsOf(t.tape, t.s.x, first, count), t.tape[t.s.gamma], t.tape[t.s.mean].Slice(first, count),
                    t.tape[t.s.r].Slice(first, count), GradientRows(t.tape, t.s.y, first, count), GradientRows(t.tape, t.s.x, first, count)));
            AddGains(tape, SumOf(tape, s.x, s.y, s.mean, s.r), s.gamma, s.beta);
        });
        return y;
    }

    // What rows are multiplied with. The gradient of 1 + w is that of w, so it goes there at once.
    private static Tensor GainOf(Tape tape, Tensor? gain, int count, bool onePlus)
    {
        if (gain is { } own && !onePlus)
            return own;
        Tensor all = tape.New(new Shape(count));
        if (gain is { } given)
            System.Numerics.Tensors.TensorPrimitives.Add(tape[given], 1, tape[all]);
        else
            tape[all].Fill(1);
        return all;
    }

    private static NormGains.Sum SumOf(Tape tape, Tensor x, Tensor y, Tensor? mean, Tensor r) => new((nint)tape.Pointer(x), x.Shape.Columns,
        (nint)tape.OutputGradient(y), x.Shape.Columns, mean is { } m ? (nint)tape.Pointer(m) : 0, (nint)tape.Pointer(r), 1, x.Shape.Rows, 1, x.Shape.Columns);

    // Threads share the columns: each sum goes over all rows in their order. A norm's columns may be some of those of its gain.
    private static void AddGains(Tape tape, in NormGains.Sum sum, Tensor gain, Tensor? bias, int at = 0)
    {
        if (tape.IsFrozen(gain))
            return;
        const int ColumnsAPart = 64;
        tape.Gradient(gain);
        float* dgamma = tape.OutputGradient(gain) + at, dbeta = null;
        if (bias is { } added)
        {
            tape.Gradient(added);
            dbeta = tape.OutputGradient(added) + at;
        }
        tape.Workers.Rows(sum.Width, ColumnsAPart, (sum, Gain: (nint)dgamma, Bias: (nint)dbeta),
            static (in s, first, count) => NormGains.Add(s.sum, first, count, (float*)s.Gain, (float*)s.Bias));
    }

    private static Span<float> RowsOf(Tape tape, Tensor x, int first, int count) =>
        new(tape.Pointer(x) + (nint)first * x.Shape.Columns, count * x.Shape.Columns);

    private static Span<float> GradientRows(Tape tape, Tensor x, int first, int count) =>
        new(tape.OutputGradient(x) + (nint)first * x.Shape.Columns, count * x.Shape.Columns);

    private static float* TakeZeros(Tape tape, int parts, int width)
    {
        float* memory = tape.Scratch.Take((long)parts * width);
        if (!tape.Counts)
            new Span<float>(memory, parts * width).Clear();
        return memory;
    }
}
