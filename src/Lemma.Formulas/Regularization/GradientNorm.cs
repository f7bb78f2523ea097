using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>‖g‖₂ = √Σ g², and the factor τ/‖g‖₂ that clips it when it is above τ.</summary>
/// <remarks>Pascanu, Mikolov and Bengio 2012, algorithm 1.</remarks>
public static class GradientNorm
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "clip_grad_norm",
        Group = "Regularization",
        Text = "g = g·min(1, τ/‖g‖₂)",
        Latex = @"g\leftarrow g\cdot\min\left(1, \frac{\tau}{\lVert g\rVert_2}\right)",
        Shapes = "g: any shape",
        Symbols = "τ (max_norm), above 0",
        Source = "Pascanu, Mikolov and Bengio 2012, algorithm 1",
        Gradient = "None: it changes gradients, nothing is differentiated through it",
        IsDifferentiable = false,
        Example = "g[3,33]*5 max_norm=1",
        Evaluate = Evaluate,
    };

    /// <summary>Σ g² of one range: lanes in float32 over 4,096 elements, then double. Ranges are added in order by the caller.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SumOfSquares(ReadOnlySpan<float> gradients)
    {
        double total = 0;
        while (!gradients.IsEmpty)
        {
            ReadOnlySpan<float> part = gradients[..Math.Min(4096, gradients.Length)];
            ref float start = ref MemoryMarshal.GetReference(part);
            Vector512<float> sum = default, more = default;
            int i = 0;
            for (; i + 2 * Lanes.Count <= part.Length; i += 2 * Lanes.Count)
            {
                Vector512<float> left = Lanes.Load(ref start, i), right = Lanes.Load(ref start, i + Lanes.Count);
                sum = Vector512.FusedMultiplyAdd(left, left, sum);
                more = Vector512.FusedMultiplyAdd(right, right, more);
            }
            for (; i < part.Length; i += Lanes.Count)
            {
                Vector512<float> left = i + Lanes.Count <= part.Length ? Lanes.Load(ref start, i) : Lanes.LoadTail(part[i..]);
                sum = Vector512.FusedMultiplyAdd(left, left, sum);
            }
            float found = Lanes.Sum(sum + more);
            total += float.IsFinite(found) ? found : Wide(part);
            gradients = gradients[part.Length..];
        }
        return total;
    }

    // Squares of numbers above 10¹⁹ are beyond float32.
    private static double Wide(ReadOnlySpan<float> gradients)
    {
        double sum = 0;
        foreach (float gradient in gradients)
            sum += (double)gradient * gradient;
        return sum;
    }

    /// <summary>τ/‖g‖₂ when ‖g‖₂ is above τ, else 1.</summary>
    public static float ClipFactor(double norm, double maximum) => norm > maximum ? (float)(maximum / norm) : 1;

    /// <summary>y = g·min(1, τ/‖g‖₂); gives ‖g‖₂. y may be g.</summary>
    public static double Forward(ReadOnlySpan<float> gradients, double maximum, Span<float> y)
    {
        Check.That(maximum > 0, "clip_grad_norm", $"the largest norm must be above 0, but it is {maximum}");
        Check.SameLength("clip_grad_norm", gradients.Length, y.Length);
        double norm = Math.Sqrt(SumOfSquares(gradients));
        System.Numerics.Tensors.TensorPrimitives.Multiply(gradients, ClipFactor(norm, maximum), y);
        return norm;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values g = call["g"], y = g.Like();
        Forward(g, call.Number("max_norm"), y);
        return y;
    }
}
