using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = x·σ(βx).</summary>
/// <remarks>x, y: any shape; β: a number that may be learned. NaN gives NaN. Ramachandran, Zoph and Le 2017, section 4.</remarks>
public static class Swish
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "swish",
        Group = "Activations",
        Text = "swish(x) = x·σ(β·x)",
        Latex = @"\mathrm{swish}(x) = x\cdot\sigma(\beta x)",
        Shapes = "x, y: any shape; beta: an attribute, or an input [] that gets a gradient",
        Symbols = "β: how sharp the gate is; 1 without one. NaN gives NaN",
        Source = "Ramachandran, Zoph and Le 2017, Searching for activation functions, section 4",
        Gradient = "dx += (s + βx·s(1 − s))·dy, dβ += Σ x²·s(1 − s)·dy, s = σ(βx)",
        Notes = "β = 1 is silu, β = 0 is x/2, β → ∞ is relu.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33] beta[]+",
        Plot = new FormulaPlot("x", -6, 6, "beta=1.7"),
        Evaluate = Evaluate,
    };

    /// <summary>y = x·σ(βx); y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> x, float beta, Span<float> y)
    {
        Check.SameLength("swish", x.Length, y.Length);
        ref float from = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(y);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
            Value(Lanes.Load(ref from, i), beta).StoreUnsafe(ref to, (nuint)i);
        if (i < x.Length)
            Lanes.StoreTail(Value(Lanes.LoadTail(x[i..]), beta), y[i..]);
    }

    /// <summary>dx += (s + βx·s(1 − s))·dy; returns dβ = Σ x²·s(1 − s)·dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Backward(ReadOnlySpan<float> x, float beta, ReadOnlySpan<float> dy, Span<float> dx)
    {
        Check.SameLength("swish", x.Length, dy.Length);
        Check.SameLength("swish", x.Length, dx.Length);
        ref float from = ref MemoryMarshal.GetReference(x), up = ref MemoryMarshal.GetReference(dy),
            to = ref MemoryMarshal.GetReference(dx);
        Vector512<float> dbeta = default;
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
            Slope(Lanes.Load(ref from, i), beta, Lanes.Load(ref up, i), Lanes.Load(ref to, i), ref dbeta).StoreUnsafe(ref to, (nuint)i);
        if (i < x.Length)
            Lanes.StoreTail(Slope(Lanes.LoadTail(x[i..], 1), beta, Lanes.LoadTail(dy[i..]), Lanes.LoadTail(dx[i..]), ref dbeta), dx[i..]);
        return Lanes.Sum(dbeta);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Value(Vector512<float> x, float beta) => x * VectorMath.Sigmoid(x * beta);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Slope(Vector512<float> x, float beta, Vector512<float> dy, Vector512<float> dx,
        ref Vector512<float> dbeta)
    {
        // e^−105 is 0 in float32; beyond it an infinite βx would count 0·∞.
        Vector512<float> t = Vector512.MinNative(Vector512.Create(105f), Vector512.MaxNative(Vector512.Create(-105f), x * beta));
        // The smaller of s and 1 − s is e·(the larger), e = e^−|βx|: a difference would have lost its digits.
        Vector512<float> e = VectorMath.Exp(-Vector512.Abs(t)), larger = Vector512.Create(1f) / (Vector512.Create(1f) + e),
            smaller = e * larger;
        Vector512<float> gate = Vector512.ConditionalSelect(Vector512.LessThan(t, default), smaller, larger), both = smaller * larger;
        dbeta = Vector512.FusedMultiplyAdd(x * both * x, dy, dbeta);
        return Vector512.FusedMultiplyAdd(Vector512.FusedMultiplyAdd(t, both, gate), dy, dx);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], y = x.Like();
        float beta = call.Has("beta") ? call["beta"].Data[0] : (float)call.Number("beta", 1);
        Forward(x, beta, y);
        if (call.Backward(y, out float[]? dy))
        {
            float dbeta = Backward(x, beta, dy, call.Gradient("x"));
            if (call.Has("beta"))
                call.Gradient("beta")[0] += dbeta;
        }
        return y;
    }
}
