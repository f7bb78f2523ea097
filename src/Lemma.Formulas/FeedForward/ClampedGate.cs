using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = (clip(b, −L, L) + 1)∘a′∘σ(α·a′), a′ = min(a, L): a gate that no number passes beyond a limit.</summary>
/// <remarks>a, b, y: any shape. OpenAI 2025, gpt-oss model card, section 2.2, and its published code.</remarks>
public static class ClampedGate
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "clamped_gate",
        Group = "Feed-forward",
        Text = "y = (clip(b, −L, L) + 1)∘a′∘σ(α·a′), a′ = min(a, L)",
        Latex = @"y = \left(\mathrm{clip}(b, -L, L) + 1\right)\odot \bar{a}\odot\sigma(\alpha \bar{a})\qquad \bar{a} = \min(a, L)",
        Shapes = "a, b, y: any shape",
        Symbols = "L: limit; α: alpha, how steep the gate is",
        Source = "OpenAI 2025, gpt-oss-120b and gpt-oss-20b model card, section 2.2",
        Gradient = "da = (clip(b) + 1)·(σ + α·a′·σ·(1 − σ))·dy where a ≤ L, db = a′·σ·dy where |b| ≤ L",
        Kind = FormulaKind.Elementwise,
        Example = "a[3,33]*3 b[3,33]*3",
        Evaluate = Evaluate,
    };

    /// <summary>y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> a, ReadOnlySpan<float> b, float limit, float alpha, Span<float> y)
    {
        CheckInput(a, b, limit, y);
        ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b), to = ref MemoryMarshal.GetReference(y);
        int i = 0;
        for (; i + Lanes.Count <= a.Length; i += Lanes.Count)
            Value(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i), limit, alpha).StoreUnsafe(ref to, (nuint)i);
        if (i < a.Length)
            Lanes.StoreTail(Value(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..]), limit, alpha), y[i..]);
    }

    /// <summary>da and db are added to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> a, ReadOnlySpan<float> b, float limit, float alpha, ReadOnlySpan<float> dy, Span<float> da, Span<float> db)
    {
        CheckInput(a, b, limit, dy);
        CheckInput(da, db, limit, dy);
        ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b), up = ref MemoryMarshal.GetReference(dy);
        ref float toA = ref MemoryMarshal.GetReference(da), toB = ref MemoryMarshal.GetReference(db);
        int i = 0;
        for (; i + Lanes.Count <= a.Length; i += Lanes.Count)
        {
            Vector512<float> slopeA = Lanes.Load(ref toA, i), slopeB = Lanes.Load(ref toB, i);
            AddSlopes(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i), limit, alpha, Lanes.Load(ref up, i), ref slopeA, ref slopeB);
            slopeA.StoreUnsafe(ref toA, (nuint)i);
            slopeB.StoreUnsafe(ref toB, (nuint)i);
        }
        if (i < a.Length)
        {
            Vector512<float> slopeA = Lanes.LoadTail(da[i..]), slopeB = Lanes.LoadTail(db[i..]);
            AddSlopes(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..]), limit, alpha, Lanes.LoadTail(dy[i..]), ref slopeA, ref slopeB);
            Lanes.StoreTail(slopeA, da[i..]);
            Lanes.StoreTail(slopeB, db[i..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Value(Vector512<float> a, Vector512<float> b, float limit, float alpha)
    {
        Vector512<float> gate = Vector512.Min(a, Vector512.Create(limit));
        return (Clipped(b, limit) + Vector512.Create(1f)) * (gate * VectorMath.Sigmoid(gate * alpha));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSlopes(Vector512<float> a, Vector512<float> b, float limit, float alpha, Vector512<float> up, ref Vector512<float> da,
        ref Vector512<float> db)
    {
        Vector512<float> one = Vector512.Create(1f), gate = Vector512.Min(a, Vector512.Create(limit)), open = VectorMath.Sigmoid(gate * alpha);
        // Far below 0 the gate is shut, and −∞·0 is no slope.
        Vector512<float> slope = open * Vector512.FusedMultiplyAdd(Vector512.Max(gate * alpha, Vector512.Create(-200f)), one - open, one);
        da += ~Vector512.GreaterThan(a, Vector512.Create(limit)) & ((Clipped(b, limit) + one) * slope * up);
        db += ~Vector512.GreaterThan(Vector512.Abs(b), Vector512.Create(limit)) & (gate * open * up);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Clipped(Vector512<float> b, float limit) => Vector512.Max(Vector512.Create(-limit), Vector512.Min(b, Vector512.Create(limit)));

    private static void CheckInput(ReadOnlySpan<float> a, ReadOnlySpan<float> b, float limit, ReadOnlySpan<float> y)
    {
        Check.SameLength("clamped_gate", a.Length, b.Length);
        Check.SameLength("clamped_gate", a.Length, y.Length);
        Check.That(limit > 0, "clamped_gate", $"the limit must be above 0, but it is {limit}");
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call["a"], b = call.Same("b", a), y = a.Like();
        float limit = (float)call.Number("limit", 7), alpha = (float)call.Number("alpha", 1.702);
        Forward(a, b, limit, alpha, y);
        if (call.Backward(y, out float[]? dy))
            Backward(a, b, limit, alpha, dy, call.Gradient("a"), call.Gradient("b"));
        return y;
    }
}
