using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = E[max((V − R)², (V_old + clip(V − V_old, −ε, ε) − R)²)]/2.</summary>
/// <remarks>
/// values (V), old_values (V_old), returns (R): any one shape; L: []. ε (clip): how far a value may move in one update. Schulman et al.
/// 2017, eq. 9; clipping after Engstrom et al. 2020, section 3.
/// </remarks>
public static class ClippedValue
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "ppo_value",
        Group = "Preference",
        Text = "L = E[max((V − R)², (V_old + clip(V − V_old, −ε, ε) − R)²)]/2",
        Latex = """
            L = \frac{1}{2}\mathbb{E}\left[\max\left((V - R)^2, (V_c - R)^2\right)\right]
            V_c = V_\mathrm{old} + \mathrm{clip}(V - V_\mathrm{old}, -\varepsilon, \varepsilon)
            """,
        Shapes = "values (V), old_values (V_old), returns (R): any one shape; L: []",
        Symbols = "ε (clip): how far a value may move in one update",
        Source = "Schulman et al. 2017, eq. 9; clipping after Engstrom et al. 2020, section 3",
        Gradient = "dV += the gradient of the larger square; dR −= (V − R)/N·dL where the unclipped square is the larger",
        Notes = "Old values and the clipped target are constants.",
        Example = "values[6,5] old_values[6,5] returns[6,5] clip=0.2",
        Evaluate = Evaluate,
    };

    /// <summary>L = E[max((V − R)², (V_old + clip(V − V_old, −ε, ε) − R)²)]/2.</summary>
    public static double Forward(ReadOnlySpan<float> values, ReadOnlySpan<float> oldValues, ReadOnlySpan<float> returns, double clip)
    {
        Check.SameLength("ppo_value", values.Length, oldValues.Length);
        Check.SameLength("ppo_value", values.Length, returns.Length);
        Check.That(clip >= 0, "ppo_value", $"the clip must not be negative, but it is {clip}");
        return values.IsEmpty ? 0 : 0.5 * Sum(values, oldValues, returns, clip) / values.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Sum(ReadOnlySpan<float> values, ReadOnlySpan<float> oldValues, ReadOnlySpan<float> returns, double clip)
    {
        ref float startValues = ref MemoryMarshal.GetReference(values), startOld = ref MemoryMarshal.GetReference(oldValues);
        ref float startReturns = ref MemoryMarshal.GetReference(returns);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= values.Length; i += Lanes.Count)
            sum += Largest(Lanes.Load(ref startValues, i), Lanes.Load(ref startOld, i), Lanes.Load(ref startReturns, i), clip);
        if (i < values.Length)
            sum += Largest(Lanes.LoadTail(values[i..]), Lanes.LoadTail(oldValues[i..]), Lanes.LoadTail(returns[i..]), clip);
        return Lanes.Sum(sum);
    }

    // The larger square of each of sixteen places, the halves added.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Largest(Vector512<float> value, Vector512<float> oldValue, Vector512<float> expected, double clip)
    {
        (Vector512<double> value0, Vector512<double> value1) = Vector512.Widen(value);
        (Vector512<double> old0, Vector512<double> old1) = Vector512.Widen(oldValue);
        (Vector512<double> return0, Vector512<double> return1) = Vector512.Widen(expected);
        (Vector512<double> plain0, Vector512<double> clipped0, _) = Errors(value0, old0, return0, clip);
        (Vector512<double> plain1, Vector512<double> clipped1, _) = Errors(value1, old1, return1, clip);
        // What is NaN without the clip is so with it, and the native form keeps a NaN that comes second.
        return Vector512.MaxNative(plain0 * plain0, clipped0 * clipped0) + Vector512.MaxNative(plain1 * plain1, clipped1 * clipped1);
    }

    // V − R, the same after the clip, and V − V_old.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<double> Plain, Vector512<double> Clipped, Vector512<double> Move) Errors(Vector512<double> value,
        Vector512<double> oldValue, Vector512<double> expected, double clip)
    {
        Vector512<double> move = value - oldValue, most = Vector512.Create(clip);
        return (value - expected, oldValue + Vector512.MinNative(most, Vector512.MaxNative(-most, move)) - expected, move);
    }

    /// <summary>
    /// dV += the gradient of the larger square; dR −= (V − R)/N·dL where the unclipped square is the larger; <paramref name="dy"/> is the
    /// gradient of the mean.
    /// </summary>
    public static void Backward(ReadOnlySpan<float> values, ReadOnlySpan<float> oldValues, ReadOnlySpan<float> returns, double clip,
        double dy, Span<float> dvalues, Span<float> dreturns)
    {
        Check.SameLength("ppo_value", values.Length, oldValues.Length);
        Check.SameLength("ppo_value", values.Length, returns.Length);
        Check.That(clip >= 0, "ppo_value", $"the clip must not be negative, but it is {clip}");
        Check.SameLength("ppo_value", values.Length, dvalues.Length);
        Check.SameLength("ppo_value", values.Length, dreturns.Length);
        AddSlopes(values, oldValues, returns, clip, dy / values.Length, dvalues, dreturns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSlopes(ReadOnlySpan<float> values, ReadOnlySpan<float> oldValues, ReadOnlySpan<float> returns, double clip,
        double scale, Span<float> dvalues, Span<float> dreturns)
    {
        ref float startValues = ref MemoryMarshal.GetReference(values), startOld = ref MemoryMarshal.GetReference(oldValues);
        ref float startReturns = ref MemoryMarshal.GetReference(returns);
        ref float toValues = ref MemoryMarshal.GetReference(dvalues), toReturns = ref MemoryMarshal.GetReference(dreturns);
        int i = 0;
        for (; i + Lanes.Count <= values.Length; i += Lanes.Count)
        {
            (Vector512<float> value, Vector512<float> expected) = Slopes(Lanes.Load(ref startValues, i), Lanes.Load(ref startOld, i),
                Lanes.Load(ref startReturns, i), clip, scale);
            (Lanes.Load(ref toValues, i) + value).StoreUnsafe(ref toValues, (nuint)i);
            (Lanes.Load(ref toReturns, i) - expected).StoreUnsafe(ref toReturns, (nuint)i);
        }
        if (i < values.Length)
        {
            (Vector512<float> value, Vector512<float> expected) = Slopes(Lanes.LoadTail(values[i..]), Lanes.LoadTail(oldValues[i..]),
                Lanes.LoadTail(returns[i..]), clip, scale);
            Lanes.StoreTail(Lanes.LoadTail(dvalues[i..]) + value, dvalues[i..]);
            Lanes.StoreTail(Lanes.LoadTail(dreturns[i..]) - expected, dreturns[i..]);
        }
    }

    // By V and, negated, by R.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Value, Vector512<float> Return) Slopes(Vector512<float> value, Vector512<float> oldValue,
        Vector512<float> expected, double clip, double scale)
    {
        (Vector512<double> value0, Vector512<double> value1) = Vector512.Widen(value);
        (Vector512<double> old0, Vector512<double> old1) = Vector512.Widen(oldValue);
        (Vector512<double> return0, Vector512<double> return1) = Vector512.Widen(expected);
        (value0, return0) = Slopes(value0, old0, return0, clip, scale);
        (value1, return1) = Slopes(value1, old1, return1, clip, scale);
        return (Vector512.Narrow(value0, value1), Vector512.Narrow(return0, return1));
    }

    // At a tie, where the value has not moved beyond the clip, both squares are the same function and share the gradient.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<double> Value, Vector512<double> Return) Slopes(Vector512<double> value, Vector512<double> oldValue,
        Vector512<double> expected, double clip, double scale)
    {
        (Vector512<double> plain, Vector512<double> clipped, Vector512<double> move) = Errors(value, oldValue, expected, clip);
        Vector512<double> square = plain * plain, clippedSquare = clipped * clipped, half = Vector512.Create(0.5 * scale);
        // scale times 1, ½ or 0.
        Vector512<double> ofPlain = Vector512.AndNot(half, Vector512.LessThan(square, clippedSquare))
            + (half & Vector512.GreaterThan(square, clippedSquare));
        Vector512<double> ofClipped = Vector512.Create(scale) - ofPlain;
        ofClipped = Vector512.AndNot(ofClipped, Vector512.GreaterThan(Vector512.Abs(move), Vector512.Create(clip)));
        return (Vector512.FusedMultiplyAdd(ofPlain, plain, ofClipped * clipped), ofPlain * plain);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values values = call["values"], oldValues = call.Same("old_values", values), returns = call.Same("returns", values);
        double clip = call.Number("clip", 0.2);
        Values y = Values.Scalar(Forward(values, oldValues, returns, clip));
        if (call.Backward(y, out float[]? dy))
            Backward(values, oldValues, returns, clip, dy[0], call.Gradient("values"), call.Gradient("returns"));
        return y;
    }
}
