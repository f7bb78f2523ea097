using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>I(p) = −log p.</summary>
/// <remarks>
/// p, I: any shape; unit: bits or nats; p outside [0, 1] is an error; p = 0 gives ∞. Shannon 1948, A mathematical theory of communication,
/// section 6.
/// </remarks>
public static class SelfInformation
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "self_information",
        Group = "Information",
        Text = "I(p) = −log p",
        Latex = @"I(p) = -\log p",
        Shapes = "p, I: any shape",
        Symbols = "unit: bits or nats; p outside [0, 1] is an error; p = 0 gives ∞",
        Source = "Shannon 1948, A mathematical theory of communication, section 6",
        Gradient = "dp += −dI/p",
        Notes = "What a certain event tells: nothing.",
        Example = "p[3,8]u unit=bits",
        Plot = new FormulaPlot("p", 0.01, 1),
        Evaluate = Evaluate,
    };

    /// <summary>I.</summary>
    public static void Forward(ReadOnlySpan<float> p, double unit, Span<float> y)
    {
        Check.Probabilities("self_information", "p", p);
        Check.SameLength("self_information", p.Length, y.Length);
        Elementwise.Forward<InformationTerm>(p, y);
        System.Numerics.Tensors.TensorPrimitives.Multiply(y, (float)unit, y);
    }

    /// <summary>dp += −dI/p.</summary>
    public static void Backward(ReadOnlySpan<float> p, double unit, ReadOnlySpan<float> dy, Span<float> dp)
    {
        Check.SameLength("self_information", p.Length, dy.Length);
        Check.SameLength("self_information", p.Length, dp.Length);
        AddSlopes(p, (float)unit, dy, dp);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSlopes(ReadOnlySpan<float> p, float unit, ReadOnlySpan<float> dy, Span<float> dp)
    {
        ref float start = ref MemoryMarshal.GetReference(p), up = ref MemoryMarshal.GetReference(dy),
            to = ref MemoryMarshal.GetReference(dp);
        int i = 0;
        for (; i + Lanes.Count <= p.Length; i += Lanes.Count)
            (Lanes.Load(ref to, i) - Lanes.Load(ref up, i) * unit / Lanes.Load(ref start, i)).StoreUnsafe(ref to, (nuint)i);
        if (i < p.Length)
            Lanes.StoreTail(Lanes.LoadTail(dp[i..]) - Lanes.LoadTail(dy[i..]) * unit / Lanes.LoadTail(p[i..]), dp[i..]);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call["p"], y = p.Like();
        double unit = InformationUnit.Read(call, "self_information");
        Forward(p, unit, y);
        if (call.Backward(y, out float[]? dy))
            Backward(p, unit, dy, call.Gradient("p"));
        return y;
    }
}
