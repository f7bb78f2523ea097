using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = c·tanh(x/c), which stays within (−c, c).</summary>
/// <remarks>x, y: any shape; c above 0. Gemma Team 2024, Gemma 2, section 2.</remarks>
public static class SoftCap
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "soft_cap",
        Group = "Activations",
        Text = "y = c·tanh(x/c)",
        Latex = @"y = c\cdot\tanh\left(\frac{x}{c}\right)",
        Shapes = "x, y: any shape",
        Symbols = "c: cap, above 0; y stays within (−c, c)",
        Source = "Gemma Team 2024, Gemma 2, section 2",
        Gradient = "dx += (1 − tanh²(x/c))·dy",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33]*5 cap=4",
        Evaluate = Evaluate,
    };

    /// <summary>y = c·tanh(x/c); y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> x, float cap, Span<float> y)
    {
        Check.SameLength("soft_cap", x.Length, y.Length);
        ref float from = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(y);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
            (VectorMath.Tanh(Lanes.Load(ref from, i) / cap) * cap).StoreUnsafe(ref to, (nuint)i);
        if (i < x.Length)
            Lanes.StoreTail(VectorMath.Tanh(Lanes.LoadTail(x[i..]) / cap) * cap, y[i..]);
    }

    /// <summary>dx += (1 − tanh²(x/c))·dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> x, float cap, ReadOnlySpan<float> dy, Span<float> dx)
    {
        Check.SameLength("soft_cap", x.Length, dy.Length);
        Check.SameLength("soft_cap", x.Length, dx.Length);
        ref float from = ref MemoryMarshal.GetReference(x), up = ref MemoryMarshal.GetReference(dy), to = ref MemoryMarshal.GetReference(dx);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512.FusedMultiplyAdd(Tanh.Function.Derivative(Lanes.Load(ref from, i) / cap), Lanes.Load(ref up, i), Lanes.Load(ref to, i))
                .StoreUnsafe(ref to, (nuint)i);
        }
        if (i < x.Length)
        {
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(Tanh.Function.Derivative(Lanes.LoadTail(x[i..]) / cap),
                Lanes.LoadTail(dy[i..]), Lanes.LoadTail(dx[i..])), dx[i..]);
        }
    }

    /// <summary>dx = (1 − (y/c)²)·dx, by what the forward gave.</summary>
    internal static void ScaleSlopes(ReadOnlySpan<float> y, float cap, Span<float> dx)
    {
        Check.SameLength("soft_cap", y.Length, dx.Length);
        ref float from = ref MemoryMarshal.GetReference(y), to = ref MemoryMarshal.GetReference(dx);
        int i = 0;
        for (; i + Lanes.Count <= y.Length; i += Lanes.Count)
        {
            Vector512<float> share = Lanes.Load(ref from, i) / cap;
            (Vector512.FusedMultiplyAdd(-share, share, Vector512<float>.One) * Lanes.Load(ref to, i)).StoreUnsafe(ref to, (nuint)i);
        }
        if (i < y.Length)
        {
            Vector512<float> share = Lanes.LoadTail(y[i..]) / cap;
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(-share, share, Vector512<float>.One) * Lanes.LoadTail(dx[i..]), dx[i..]);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], y = x.Like();
        float cap = (float)call.Number("cap");
        Check.That(cap > 0, "soft_cap", $"the cap must be above 0, but it is {cap}");
        Forward(x, cap, y);
        if (call.Backward(y, out float[]? dy))
            Backward(x, cap, dy, call.Gradient("x"));
        return y;
    }
}
