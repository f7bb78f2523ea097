using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>R = λ·Σ|w|.</summary>
/// <remarks>w: any shape; R: a number. NaN gives NaN. Tibshirani 1996, eq. 1.</remarks>
public static class L1
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "l1",
        Group = "Regularization",
        Text = "R = λ·Σ|w|",
        Latex = @"R = \lambda\sum_i\left\lvert w_i\right\rvert",
        Shapes = "w: any shape; R: []",
        Symbols = "λ (lambda_): weight",
        Source = "Tibshirani 1996, Regression shrinkage and selection, eq. 1",
        Gradient = "dw += λ·sign(w)·dR, 0 at 0",
        Notes = "Drives weights to exactly 0.",
        Example = "w[33] lambda_=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>R.</summary>
    public static double Forward(ReadOnlySpan<float> w, double lambda) => lambda * TensorPrimitives.SumOfMagnitudes(w);

    /// <summary>dw += λ·sign(w)·dR, 0 at w = 0.</summary>
    public static void Backward(ReadOnlySpan<float> w, double lambda, double dy, Span<float> dw)
    {
        Check.SameLength("l1", w.Length, dw.Length);
        float slope = (float)(lambda * dy);
        ref float start = ref MemoryMarshal.GetReference(w), to = ref MemoryMarshal.GetReference(dw);
        int i = 0;
        for (; i + Lanes.Count <= w.Length; i += Lanes.Count)
            (Lanes.Load(ref to, i) + Signed(Lanes.Load(ref start, i), slope)).StoreUnsafe(ref to, (nuint)i);
        if (i < w.Length)
            Lanes.StoreTail(Lanes.LoadTail(dw[i..]) + Signed(Lanes.LoadTail(w[i..]), slope), dw[i..]);
    }

    // slope·sign(w).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Signed(Vector512<float> w, float slope) =>
        (Vector512.GreaterThan(w, default) & Vector512.Create(slope)) + (Vector512.LessThan(w, default) & Vector512.Create(-slope));

    private static Values Evaluate(FormulaCall call)
    {
        Values w = call["w"], y = Values.Scalar(Forward(w, call.Number("lambda_")));
        if (call.Backward(y, out float[]? dy))
            Backward(w, call.Number("lambda_"), dy[0], call.Gradient("w"));
        return y;
    }
}
