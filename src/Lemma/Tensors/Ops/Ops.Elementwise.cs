using System.Numerics.Tensors;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    private const int ElementsAPart = 16384;

    /// <summary>y = x·Φ(x).</summary>
    public static Tensor Gelu(this Tape tape, Tensor x) => Map(tape, x, Formulas.Gelu.Forward, Formulas.Gelu.Backward);

    /// <summary>y = x/2·(1 + tanh(√(2/π)(x + 0.044715x³))).</summary>
    public static Tensor GeluTanh(this Tape tape, Tensor x) => Map(tape, x, Formulas.GeluTanh.Forward, Formulas.GeluTanh.Backward);

    /// <summary>y = x·σ(x).</summary>
    public static Tensor Silu(this Tape tape, Tensor x) => Map(tape, x, Formulas.Silu.Forward, Formulas.Silu.Backward);

    /// <summary>y = silu(a) ∘ b for rows [a, b] of x.</summary>
    /// <remarks>x: [rows, 2·d_ff]; y: [rows, d_ff].</remarks>
    public static Tensor SwiGlu(this Tape tape, Tensor x)
    {
        int width = x.Shape.Columns / 2;
        Require.That(x.Shape.Columns == 2 * width, $"swiglu: the last axis of x {x.Shape} must be even");
        Tensor y = tape.New(new Shape(x.Shape.Rows, width));
        tape.Workers.Rows(x.Shape.Rows, Workers.RowsFor(width), (tape, x, y, width), static (in s, first, count) =>
            Formulas.SwiGlu.Forward(RowsOf(s.tape, s.x, first, count), s.width, RowsOf(s.tape, s.y, first, count)));
        tape.Record((x, y, width), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            tape.Workers.Rows(s.x.Shape.Rows, Workers.RowsFor(s.width), (tape, s), static (in t, first, count) =>
                Formulas.SwiGlu.Backward(RowsOf(t.tape, t.s.x, first, count), t.s.width,
                    GradientRows(t.tape, t.s.y, first, count), GradientRows(t.tape, t.s.x, first, count)));
        });
        return y;
    }

    /// <summary>y = a + b.</summary>
    /// <remarks>All of one shape. da += dy; db += dy.</remarks>
    public static Tensor Add(this Tape tape, Tensor a, Tensor b)
    {
        Require.That(a.Shape.Count == b.Shape.Count, $"add: the shapes {a.Shape} and {b.Shape} must agree");
        Tensor y = tape.New(a.Shape);
        tape.Workers.Rows(checked((int)a.Shape.Count), ElementsAPart, (tape, a, b, y), static (in s, first, count) =>
            TensorPrimitives.Add(s.tape[s.a].Slice(first, count), s.tape[s.b].Slice(first, count), s.tape[s.y].Slice(first, count)));
        tape.Record((a, b, y), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            AddGradient(tape, s.y, s.a);
            AddGradient(tape, s.y, s.b);
        });
        return y;
    }

    /// <summary>y = x·m/(1 − p), m drawn from a counter; x itself when p is 0 or the tape does not record.</summary>
    public static Tensor Dropout(this Tape tape, Tensor x, float p, Philox generator)
    {
        Require.That(p is >= 0 and < 1, $"dropout: the probability must be in [0, 1), but it is {p}");
        if (p == 0 || !tape.Recording)
            return x;
        Tensor y = tape.New(x.Shape);
        int count = checked((int)x.Shape.Count);
        tape.Workers.Rows(count, ElementsAPart, (tape, x, y, p, generator), static (in s, first, count) =>
            Formulas.Dropout.Forward(s.tape[s.x].Slice(first, count), s.p, s.generator, first, s.tape[s.y].Slice(first, count)));
        tape.Record((x, y, p, generator), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Workers.Rows(checked((int)s.x.Shape.Count), ElementsAPart, (tape, s), static (in t, first, count) =>
                Formulas.Dropout.Backward(new Span<float>(t.tape.OutputGradient(t.s.y) + first, count), t.s.p, t.s.generator, first));
            AddGradient(tape, s.y, s.x);
        });
        return y;
    }

    private delegate void ForwardFormula(ReadOnlySpan<float> x, Span<float> y);

    private delegate void BackwardFormula(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx);

    private static Tensor Map(Tape tape, Tensor x, ForwardFormula forward, BackwardFormula backward)
    {
        Tensor y = tape.New(x.Shape);
        tape.Workers.Rows(checked((int)x.Shape.Count), ElementsAPart, (tape, x, y, forward), static (in s, first, count) =>
            s.forward(s.tape[s.x].Slice(first, count), s.tape[s.y].Slice(first, count)));
        tape.Record((x, y, backward), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            tape.Workers.Rows(checked((int)s.x.Shape.Count), ElementsAPart, (tape, s), static (in t, first, count) =>
                t.s.backward(t.tape[t.s.x].Slice(first, count), new ReadOnlySpan<float>(t.tape.OutputGradient(t.s.y) + first, count),
                    new Span<float>(t.tape.OutputGradient(t.s.x) + first, count)));
        });
        return y;
    }

    // dx += dy, or dx = dy where nothing has arrived yet.
    private static void AddGradient(Tape tape, Tensor from, Tensor to)
    {
        float* target = tape.GradientPointer(to, out bool add);
        tape.Workers.Rows(checked((int)from.Shape.Count), ElementsAPart, (From: (nint)tape.OutputGradient(from), To: (nint)target, add),
            static (in s, first, count) =>
            {
                ReadOnlySpan<float> source = new((float*)s.From + first, count);
                Span<float> sum = new((float*)s.To + first, count);
                if (s.add)
                    TensorPrimitives.Add(sum, source, sum);
                else
                    source.CopyTo(sum);
            });
    }
}
