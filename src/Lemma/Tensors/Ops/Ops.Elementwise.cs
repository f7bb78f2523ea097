using System.Numerics.Tensors;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    private const int ElementsAPart = 16384;

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

    /// <summary>y = a + s·b.</summary>
    /// <remarks>All of one shape. da += dy; db += s·dy.</remarks>
    public static Tensor AddScaled(this Tape tape, Tensor a, Tensor b, float scale)
    {
        Require.That(a.Shape.Count == b.Shape.Count, $"add: the shapes {a.Shape} and {b.Shape} must agree");
        Tensor y = tape.New(a.Shape);
        tape.Workers.Rows(checked((int)a.Shape.Count), ElementsAPart, (tape, a, b, y, scale), static (in s, first, count) =>
            ScaledResidual.Forward(s.tape[s.a].Slice(first, count), s.tape[s.b].Slice(first, count), s.scale, s.tape[s.y].Slice(first, count)));
        tape.Record((a, b, y, scale), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            AddGradient(tape, s.y, s.a);
            AddGradient(tape, s.y, s.b, s.scale);
        });
        return y;
    }

    /// <summary>y = a ∘ b.</summary>
    /// <remarks>All of one shape. da += b∘dy; db += a∘dy.</remarks>
    public static Tensor Multiply(this Tape tape, Tensor a, Tensor b)
    {
        Require.That(a.Shape.Count == b.Shape.Count, $"multiply: the shapes {a.Shape} and {b.Shape} must agree");
        Tensor y = tape.New(a.Shape);
        tape.Workers.Rows(checked((int)a.Shape.Count), ElementsAPart, (tape, a, b, y), static (in s, first, count) =>
            TensorPrimitives.Multiply(s.tape[s.a].Slice(first, count), s.tape[s.b].Slice(first, count), s.tape[s.y].Slice(first, count)));
        tape.Record((a, b, y), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            AddProduct(tape, s.b, s.y, s.a);
            AddProduct(tape, s.a, s.y, s.b);
        });
        return y;
    }

    /// <summary>y = s·x.</summary>
    /// <remarks>dx += s·dy.</remarks>
    public static Tensor Scale(this Tape tape, Tensor x, float scale)
    {
        Tensor y = tape.New(x.Shape);
        tape.Workers.Rows(checked((int)x.Shape.Count), ElementsAPart, (tape, x, y, scale), static (in s, first, count) =>
            TensorPrimitives.Multiply(s.tape[s.x].Slice(first, count), s.scale, s.tape[s.y].Slice(first, count)));
        tape.Record((x, y, scale), static (tape, in s) =>
        {
            if (tape.HasGradient(s.y))
                AddGradient(tape, s.y, s.x, s.scale);
        });
        return y;
    }

    /// <summary>y = x + a, a number.</summary>
    /// <remarks>dx += dy.</remarks>
    public static Tensor AddNumber(this Tape tape, Tensor x, float number)
    {
        Tensor y = tape.New(x.Shape);
        tape.Workers.Rows(checked((int)x.Shape.Count), ElementsAPart, (tape, x, y, number), static (in s, first, count) =>
            TensorPrimitives.Add(s.tape[s.x].Slice(first, count), s.number, s.tape[s.y].Slice(first, count)));
        tape.Record((x, y), static (tape, in s) =>
        {
            if (tape.HasGradient(s.y))
                AddGradient(tape, s.y, s.x);
        });
        return y;
    }

    /// <summary>y = c·tanh(x/c), which stays within (−c, c).</summary>
    /// <remarks>dx += (1 − tanh²(x/c))·dy.</remarks>
    public static Tensor Cap(this Tape tape, Tensor x, float cap)
    {
        Require.That(cap > 0 && float.IsFinite(cap), $"cap: it must be positive, but it is {cap}");
        Tensor y = tape.New(x.Shape);
        tape.Workers.Rows(checked((int)x.Shape.Count), ElementsAPart, (tape, x, y, cap), static (in s, first, count) =>
            SoftCap.Forward(s.tape[s.x].Slice(first, count), s.cap, s.tape[s.y].Slice(first, count)));
        tape.Record((x, y, cap), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.x);
            tape.Workers.Rows(checked((int)s.x.Shape.Count), ElementsAPart, (tape, s), static (in t, first, count) =>
                SoftCap.Backward(t.tape[t.s.x].Slice(first, count), t.s.cap, new ReadOnlySpan<float>(t.tape.OutputGradient(t.s.y) + first, count),
                    new Span<float>(t.tape.OutputGradient(t.s.x) + first, count)));
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

    // dx += s·dy, or dx = s·dy where nothing has arrived yet.
    private static void AddGradient(Tape tape, Tensor from, Tensor to, float scale = 1)
    {
        if (tape.IsFrozen(to))
            return;
        float* target = tape.GradientPointer(to, out bool add);
        tape.Workers.Rows(checked((int)from.Shape.Count), ElementsAPart, (From: (nint)tape.OutputGradient(from), To: (nint)target, add, scale),
            static (in s, first, count) =>
            {
                ReadOnlySpan<float> source = new((float*)s.From + first, count);
                Span<float> sum = new((float*)s.To + first, count);
                if (s.add)
                    Lanes.AddScaled(source, s.scale, sum);
                else
                    TensorPrimitives.Multiply(source, s.scale, sum);
            });
    }

    // dto += x∘dfrom.
    private static void AddProduct(Tape tape, Tensor x, Tensor from, Tensor to)
    {
        tape.Gradient(to);
        tape.Workers.Rows(checked((int)from.Shape.Count), ElementsAPart, (tape, x, from, to), static (in s, first, count) =>
        {
            Span<float> sum = new(s.tape.OutputGradient(s.to) + first, count);
            TensorPrimitives.FusedMultiplyAdd(s.tape[s.x].Slice(first, count),
                new ReadOnlySpan<float>(s.tape.OutputGradient(s.from) + first, count), sum, sum);
        });
    }
}
