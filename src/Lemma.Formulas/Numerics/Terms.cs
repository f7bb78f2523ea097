using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>A term t(a, b) of a sum over two inputs, sixteen at a time, and its slopes.</summary>
internal interface ITerm
{
    /// <summary>t(a, b).</summary>
    Vector512<float> Value(Vector512<float> a, Vector512<float> b);

    /// <summary>∂t/∂a and ∂t/∂b.</summary>
    (Vector512<float> A, Vector512<float> B) Slopes(Vector512<float> a, Vector512<float> b);
}

/// <summary>Sums of an <see cref="ITerm"/> or <see cref="IFunction"/> over all elements: terms in float32, their sum in double.</summary>
internal static class Terms
{
    /// <summary>Σ t(a, b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sum<TTerm>(TTerm term, ReadOnlySpan<float> a, ReadOnlySpan<float> b) where TTerm : struct, ITerm
    {
        Check.Reach(a.Length, b.Length);
        ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= a.Length; i += Lanes.Count)
            sum += Lanes.Wide(term.Value(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i)));
        if (i < a.Length)
            sum += Lanes.Wide(Lanes.Keep(term.Value(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..])), a.Length - i));
        return Lanes.Sum(sum);
    }

    /// <summary>Σ f(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sum<TFunction>(ReadOnlySpan<float> x) where TFunction : IFunction
    {
        ref float start = ref MemoryMarshal.GetReference(x);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
            sum += Lanes.Wide(TFunction.Value(Lanes.Load(ref start, i)));
        if (i < x.Length)
            sum += Lanes.Wide(Lanes.Keep(TFunction.Value(Lanes.LoadTail(x[i..])), x.Length - i));
        return Lanes.Sum(sum);
    }

    /// <summary>dx += scale·f'(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSlopes<TFunction>(ReadOnlySpan<float> x, float scale, Span<float> dx) where TFunction : IFunction
    {
        Check.Reach(x.Length, dx.Length);
        ref float start = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(dx);
        Vector512<float> factor = Vector512.Create(scale);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512.FusedMultiplyAdd(TFunction.Derivative(Lanes.Load(ref start, i)), factor, Lanes.Load(ref to, i))
                .StoreUnsafe(ref to, (nuint)i);
        }
        if (i < x.Length)
        {
            Vector512<float> slope = TFunction.Derivative(Lanes.LoadTail(x[i..]));
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(slope, factor, Lanes.LoadTail(dx[i..])), dx[i..]);
        }
    }

    /// <summary>da += scale·∂t/∂a;  db += scale·∂t/∂b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSlopes<TTerm>(TTerm term, ReadOnlySpan<float> a, ReadOnlySpan<float> b, float scale, Span<float> da,
        Span<float> db) where TTerm : struct, ITerm
    {
        Check.Reach(a.Length, b.Length, da.Length, db.Length);
        ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b);
        ref float toA = ref MemoryMarshal.GetReference(da), toB = ref MemoryMarshal.GetReference(db);
        Vector512<float> factor = Vector512.Create(scale);
        int i = 0;
        for (; i + Lanes.Count <= a.Length; i += Lanes.Count)
        {
            (Vector512<float> slopeA, Vector512<float> slopeB) = term.Slopes(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i));
            Vector512.FusedMultiplyAdd(slopeA, factor, Lanes.Load(ref toA, i)).StoreUnsafe(ref toA, (nuint)i);
            Vector512.FusedMultiplyAdd(slopeB, factor, Lanes.Load(ref toB, i)).StoreUnsafe(ref toB, (nuint)i);
        }
        if (i < a.Length)
        {
            (Vector512<float> slopeA, Vector512<float> slopeB) = term.Slopes(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..]));
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(slopeA, factor, Lanes.LoadTail(da[i..])), da[i..]);
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(slopeB, factor, Lanes.LoadTail(db[i..])), db[i..]);
        }
    }
}
