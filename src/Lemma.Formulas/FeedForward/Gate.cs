using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>y = φ(x).</summary>
internal delegate void ForwardFormula(ReadOnlySpan<float> x, Span<float> y);

/// <summary>dx += φ'(x)·dy.</summary>
internal delegate void BackwardFormula(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx);

/// <summary>y = φ(a) ∘ b of one row [a, b]; φ = silu has a kernel of its own, <see cref="SwiGlu"/>.</summary>
internal static unsafe class Gate
{
    /// <summary>y = φ(a) ∘ b.</summary>
    public static void Forward(ForwardFormula formula, ReadOnlySpan<float> x, Span<float> y)
    {
        Check.SameLength("gate", 2 * y.Length, x.Length);
        formula(x[..y.Length], y);
        TensorPrimitives.Multiply(y, x[y.Length..], y);
    }

    /// <summary>da += φ'(a)∘b∘dy;  db += φ(a)∘dy.</summary>
    public static void Backward(ForwardFormula formula, BackwardFormula slope, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx)
    {
        int width = dy.Length;
        Check.SameLength("gate", 2 * width, x.Length);
        Check.SameLength("gate", x.Length, dx.Length);
        Span<float> factor = new(ThreadScratch.Take(width), width);
        TensorPrimitives.Multiply(x[width..], dy, factor);
        slope(x[..width], factor, dx[..width]);
        formula(x[..width], factor);
        TensorPrimitives.FusedMultiplyAdd(factor, dy, dx[width..], dx[width..]);
    }
}
