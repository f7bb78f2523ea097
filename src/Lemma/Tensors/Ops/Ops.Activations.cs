using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>y = φ(x).</summary>
    public static Tensor Activate(this Tape tape, Tensor x, Activation activation)
    {
        (ForwardFormula forward, BackwardFormula backward) = FormulaOf(activation);
        return Map(tape, x, forward, backward);
    }

    /// <summary>y = x·Φ(x).</summary>
    public static Tensor Gelu(this Tape tape, Tensor x) => Map(tape, x, Formulas.Gelu.Forward, Formulas.Gelu.Backward);

    /// <summary>y = x/2·(1 + tanh(√(2/π)(x + 0.044715x³))).</summary>
    public static Tensor GeluTanh(this Tape tape, Tensor x) => Map(tape, x, Formulas.GeluTanh.Forward, Formulas.GeluTanh.Backward);

    /// <summary>y = x·σ(x).</summary>
    public static Tensor Silu(this Tape tape, Tensor x) => Map(tape, x, Formulas.Silu.Forward, Formulas.Silu.Backward);

    /// <summary>y = σ(x).</summary>
    public static Tensor Sigmoid(this Tape tape, Tensor x) => Map(tape, x, Formulas.Sigmoid.Forward, Formulas.Sigmoid.Backward);

    /// <summary>y = tanh x.</summary>
    public static Tensor Tanh(this Tape tape, Tensor x) => Map(tape, x, Formulas.Tanh.Forward, Formulas.Tanh.Backward);

    /// <summary>y = max(0, x).</summary>
    public static Tensor Relu(this Tape tape, Tensor x) => Map(tape, x, Formulas.Relu.Forward, Formulas.Relu.Backward);

    /// <summary>y = φ(a) ∘ b for rows [a, b] of x.</summary>
    /// <remarks>x: [rows, 2·d_ff]; y: [rows, d_ff].</remarks>
    public static Tensor Gated(this Tape tape, Tensor x, Activation activation)
    {
        int width = x.Shape.Columns / 2;
        Require.That(width > 0 && x.Shape.Columns == 2 * width, $"gated: the last axis of x {x.Shape} must be even");
        Tensor y = tape.New(new Shape(x.Shape.Rows, width));
        GateForward(tape.Workers, activation, x.Shape.Rows, width, tape.Pointer(x), tape.Pointer(y));
        tape.Record((x, y, width, activation), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            GateBackward(tape.Workers, s.activation, s.x.Shape.Rows, s.width, tape.Pointer(s.x), tape.OutputGradient(s.y), tape.OutputGradient(s.x));
        });
        return y;
    }

    /// <summary>y = silu(a) ∘ b for rows [a, b] of x.</summary>
    /// <remarks>x: [rows, 2·d_ff]; y: [rows, d_ff].</remarks>
    public static Tensor SwiGlu(this Tape tape, Tensor x) => tape.Gated(x, Activation.Silu);

    // Rows of [a, b] to rows of φ(a)∘b.
    private static void GateForward(Workers workers, Activation activation, int rows, int width, float* x, float* y) =>
        workers.Rows(rows, Workers.RowsFor(width), (activation, width, X: (nint)x, Y: (nint)y), static (in s, first, count) =>
        {
            float* from = (float*)s.X + (nint)first * 2 * s.width, to = (float*)s.Y + (nint)first * s.width;
            if (s.activation == Activation.Silu)
            {
                Formulas.SwiGlu.Forward(new ReadOnlySpan<float>(from, 2 * count * s.width), s.width, new Span<float>(to, count * s.width));
                return;
            }
            ForwardFormula forward = FormulaOf(s.activation).Forward;
            for (int row = 0; row < count; row++, from += 2 * s.width, to += s.width)
                Gate.Forward(forward, new ReadOnlySpan<float>(from, 2 * s.width), new Span<float>(to, s.width));
        });

    // dx is added to.
    private static void GateBackward(Workers workers, Activation activation, int rows, int width, float* x, float* dy, float* dx) =>
        workers.Rows(rows, Workers.RowsFor(width), (activation, width, X: (nint)x, Up: (nint)dy, To: (nint)dx), static (in s, first, count) =>
        {
            float* from = (float*)s.X + (nint)first * 2 * s.width, up = (float*)s.Up + (nint)first * s.width, to = (float*)s.To + (nint)first * 2 * s.width;
            if (s.activation == Activation.Silu)
            {
                Formulas.SwiGlu.Backward(new ReadOnlySpan<float>(from, 2 * count * s.width), s.width, new ReadOnlySpan<float>(up, count * s.width),
                    new Span<float>(to, 2 * count * s.width));
                return;
            }
            (ForwardFormula forward, BackwardFormula backward) = FormulaOf(s.activation);
            for (int row = 0; row < count; row++, from += 2 * s.width, up += s.width, to += 2 * s.width)
            {
                Gate.Backward(forward, backward, new ReadOnlySpan<float>(from, 2 * s.width), new ReadOnlySpan<float>(up, s.width),
                    new Span<float>(to, 2 * s.width));
            }
        });

    private static (ForwardFormula Forward, BackwardFormula Backward) FormulaOf(Activation activation) => activation switch
    {
        Activation.Gelu => (Formulas.Gelu.Forward, Formulas.Gelu.Backward),
        Activation.GeluTanh => (Formulas.GeluTanh.Forward, Formulas.GeluTanh.Backward),
        Activation.Silu => (Formulas.Silu.Forward, Formulas.Silu.Backward),
        Activation.Relu => (Formulas.Relu.Forward, Formulas.Relu.Backward),
        Activation.SquaredRelu => (SquaredRelu.Forward, SquaredRelu.Backward),
        Activation.QuickGelu => (static (x, y) => Swish.Forward(x, 1.702f, y), static (x, dy, dx) => Swish.Backward(x, 1.702f, dy, dx)),
        Activation.Sigmoid => (Formulas.Sigmoid.Forward, Formulas.Sigmoid.Backward),
        Activation.Tanh => (Formulas.Tanh.Forward, Formulas.Tanh.Backward),
        Activation.Identity => (static (x, y) => x.CopyTo(y), static (_, dy, dx) => Lanes.AddScaled(dy, 1, dx)),
        _ => throw new ArgumentException($"activation: {activation} is not one of the known ones"),
    };

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
}
