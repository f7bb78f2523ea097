using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>g = −e^A·ln(1 + e^(a + b)): the logarithm of what a head keeps of its state from a step to the next.</summary>
/// <remarks>a, g: [rows, H]; A, b: [H]. Gu and Dao 2023, Mamba, section 3.6; Yang, Kautz and Hatamizadeh 2024, section 3.4.</remarks>
public static class LogDecay
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "log_decay",
        Group = "Recurrence",
        Text = "g = −e^A·ln(1 + e^(a + b))",
        Latex = @"g = -e^{A}\ln\left(1 + e^{a + b}\right)",
        Shapes = "a, g: [rows, H]; rate (A), bias (b): [H]",
        Symbols = "e^g in (0, 1): the share of its state that a head keeps",
        Source = "Gu and Dao 2023, Mamba, section 3.6; Yang, Kautz and Hatamizadeh 2024, Gated delta networks, section 3.4",
        Gradient = "da = −e^A·σ(a + b)·dg, db the same over rows, dA = Σ g·dg",
        Example = "a[5,3] rate[3] bias[3]",
        Evaluate = Evaluate,
    };

    /// <summary>g.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> a, ReadOnlySpan<float> rate, ReadOnlySpan<float> bias, Span<float> g)
    {
        CheckInput(a, rate, bias, g);
        int heads = rate.Length;
        for (int at = 0; at < a.Length; at += heads)
        {
            for (int i = 0; i < heads; i += Lanes.Count)
            {
                int count = Math.Min(Lanes.Count, heads - i);
                Vector512<float> x = Lanes.LoadTail(a.Slice(at + i, count)) + Lanes.LoadTail(bias.Slice(i, count));
                Lanes.StoreTail(-VectorMath.Exp(Lanes.LoadTail(rate.Slice(i, count))) * Softplus(x), g.Slice(at + i, count));
            }
        }
    }

    /// <summary>da, dA and db are added to; the sums over rows are one chain each, which begins with what stands there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> a, ReadOnlySpan<float> rate, ReadOnlySpan<float> bias, ReadOnlySpan<float> g, ReadOnlySpan<float> dg,
        Span<float> da, Span<float> drate, Span<float> dbias)
    {
        CheckInput(a, rate, bias, g);
        Check.SameLength("log_decay", a.Length, dg.Length);
        Check.SameLength("log_decay", a.Length, da.Length);
        Check.SameLength("log_decay", rate.Length, drate.Length);
        Check.SameLength("log_decay", rate.Length, dbias.Length);
        int heads = rate.Length;
        for (int at = 0; at < a.Length; at += heads)
        {
            for (int i = 0; i < heads; i += Lanes.Count)
            {
                int count = Math.Min(Lanes.Count, heads - i);
                Vector512<float> x = Lanes.LoadTail(a.Slice(at + i, count)) + Lanes.LoadTail(bias.Slice(i, count)), up = Lanes.LoadTail(dg.Slice(at + i, count));
                Vector512<float> slope = -VectorMath.Exp(Lanes.LoadTail(rate.Slice(i, count))) * VectorMath.Sigmoid(x) * up;
                Lanes.StoreTail(Lanes.LoadTail(da.Slice(at + i, count)) + slope, da.Slice(at + i, count));
                Lanes.StoreTail(Lanes.LoadTail(dbias.Slice(i, count)) + slope, dbias.Slice(i, count));
                Lanes.StoreTail(Vector512.FusedMultiplyAdd(Lanes.LoadTail(g.Slice(at + i, count)), up, Lanes.LoadTail(drate.Slice(i, count))),
                    drate.Slice(i, count));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Softplus(Vector512<float> x) => Vector512.ConditionalSelect(Vector512.GreaterThan(x, default), x, default)
        + VectorMath.LogOnePlusExp(x);

    private static void CheckInput(ReadOnlySpan<float> a, ReadOnlySpan<float> rate, ReadOnlySpan<float> bias, ReadOnlySpan<float> g)
    {
        Check.Rows("log_decay", a.Length, rate.Length);
        Check.SameLength("log_decay", rate.Length, bias.Length);
        Check.SameLength("log_decay", a.Length, g.Length);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call.Input("a", -1, -1), rate = call.Input("rate", a.Columns), bias = call.Input("bias", a.Columns), g = a.Like();
        Forward(a, rate, bias, g);
        if (call.Backward(g, out float[]? dg))
            Backward(a, rate, bias, g, dg, call.Gradient("a"), call.Gradient("rate"), call.Gradient("bias"));
        return g;
    }
}
