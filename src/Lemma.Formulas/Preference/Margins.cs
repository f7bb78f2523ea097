using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>Sums of an <see cref="IMarginTerm"/> over m = a − b or m = (a − b) − (c − d), and their slopes.</summary>
internal static class Margins
{
    /// <summary>Σ t(a − b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sum<TTerm>(TTerm term, ReadOnlySpan<float> a, ReadOnlySpan<float> b) where TTerm : struct, IMarginTerm
    {
        Check.Reach(a.Length, b.Length);
        ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= a.Length; i += Lanes.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i));
            (lower, upper) = term.Value(lower, upper);
            sum += lower + upper;
        }
        if (i < a.Length)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..]));
            (lower, upper) = term.Value(lower, upper);
            sum += Lanes.Keep(lower, a.Length - i) + Lanes.Keep(upper, a.Length - i - 8);
        }
        return Lanes.Sum(sum);
    }

    /// <summary>Σ t((a − b) − (c − d)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sum<TTerm>(TTerm term, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, ReadOnlySpan<float> d)
        where TTerm : struct, IMarginTerm
    {
        Check.Reach(a.Length, b.Length, c.Length, d.Length);
        ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b);
        ref float startC = ref MemoryMarshal.GetReference(c), startD = ref MemoryMarshal.GetReference(d);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= a.Length; i += Lanes.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i));
            (Vector512<double> lessLower, Vector512<double> lessUpper) = Difference(Lanes.Load(ref startC, i), Lanes.Load(ref startD, i));
            (lower, upper) = term.Value(lower - lessLower, upper - lessUpper);
            sum += lower + upper;
        }
        if (i < a.Length)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..]));
            (Vector512<double> lessLower, Vector512<double> lessUpper) = Difference(Lanes.LoadTail(c[i..]), Lanes.LoadTail(d[i..]));
            (lower, upper) = term.Value(lower - lessLower, upper - lessUpper);
            sum += Lanes.Keep(lower, a.Length - i) + Lanes.Keep(upper, a.Length - i - 8);
        }
        return Lanes.Sum(sum);
    }

    /// <summary>da += scale·t'(a − b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSlopes<TTerm>(TTerm term, ReadOnlySpan<float> a, ReadOnlySpan<float> b, double scale, Span<float> da)
        where TTerm : struct, IMarginTerm
    {
        Check.Reach(a.Length, b.Length, da.Length);
        ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b),
            to = ref MemoryMarshal.GetReference(da);
        Vector512<float> factor = Vector512.Create((float)scale);
        int i = 0;
        for (; i + Lanes.Count <= a.Length; i += Lanes.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i));
            Vector512.FusedMultiplyAdd(term.Slope(lower, upper), factor, Lanes.Load(ref to, i)).StoreUnsafe(ref to, (nuint)i);
        }
        if (i < a.Length)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..]));
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(term.Slope(lower, upper), factor, Lanes.LoadTail(da[i..])), da[i..]);
        }
    }

    /// <summary>da += scale·t'(a − b);  db −= the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSlopes<TTerm>(TTerm term, ReadOnlySpan<float> a, ReadOnlySpan<float> b, double scale, Span<float> da,
        Span<float> db)
        where TTerm : struct, IMarginTerm
    {
        Check.Reach(a.Length, b.Length, da.Length, db.Length);
        ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b);
        ref float toA = ref MemoryMarshal.GetReference(da), toB = ref MemoryMarshal.GetReference(db);
        Vector512<float> factor = Vector512.Create((float)scale);
        int i = 0;
        for (; i + Lanes.Count <= a.Length; i += Lanes.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i));
            Vector512<float> slope = term.Slope(lower, upper) * factor;
            (Lanes.Load(ref toA, i) + slope).StoreUnsafe(ref toA, (nuint)i);
            (Lanes.Load(ref toB, i) - slope).StoreUnsafe(ref toB, (nuint)i);
        }
        if (i < a.Length)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..]));
            Vector512<float> slope = term.Slope(lower, upper) * factor;
            Lanes.StoreTail(Lanes.LoadTail(da[i..]) + slope, da[i..]);
            Lanes.StoreTail(Lanes.LoadTail(db[i..]) - slope, db[i..]);
        }
    }

    /// <summary>da += scale·t'((a − b) − (c − d)), dd += the same;  db −= the same, dc −= the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSlopes<TTerm>(TTerm term, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c,
        ReadOnlySpan<float> d,
        double scale, Span<float> da, Span<float> db, Span<float> dc, Span<float> dd) where TTerm : struct, IMarginTerm
    {
        Check.Reach(a.Length, b.Length, c.Length, d.Length, da.Length, db.Length, dc.Length, dd.Length);
        ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b);
        ref float startC = ref MemoryMarshal.GetReference(c), startD = ref MemoryMarshal.GetReference(d);
        ref float toA = ref MemoryMarshal.GetReference(da), toB = ref MemoryMarshal.GetReference(db);
        ref float toC = ref MemoryMarshal.GetReference(dc), toD = ref MemoryMarshal.GetReference(dd);
        Vector512<float> factor = Vector512.Create((float)scale);
        int i = 0;
        for (; i + Lanes.Count <= a.Length; i += Lanes.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i));
            (Vector512<double> lessLower, Vector512<double> lessUpper) = Difference(Lanes.Load(ref startC, i), Lanes.Load(ref startD, i));
            Vector512<float> slope = term.Slope(lower - lessLower, upper - lessUpper) * factor;
            (Lanes.Load(ref toA, i) + slope).StoreUnsafe(ref toA, (nuint)i);
            (Lanes.Load(ref toB, i) - slope).StoreUnsafe(ref toB, (nuint)i);
            (Lanes.Load(ref toC, i) - slope).StoreUnsafe(ref toC, (nuint)i);
            (Lanes.Load(ref toD, i) + slope).StoreUnsafe(ref toD, (nuint)i);
        }
        if (i < a.Length)
        {
            (Vector512<double> lower, Vector512<double> upper) = Difference(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..]));
            (Vector512<double> lessLower, Vector512<double> lessUpper) = Difference(Lanes.LoadTail(c[i..]), Lanes.LoadTail(d[i..]));
            Vector512<float> slope = term.Slope(lower - lessLower, upper - lessUpper) * factor;
            Lanes.StoreTail(Lanes.LoadTail(da[i..]) + slope, da[i..]);
            Lanes.StoreTail(Lanes.LoadTail(db[i..]) - slope, db[i..]);
            Lanes.StoreTail(Lanes.LoadTail(dc[i..]) - slope, dc[i..]);
            Lanes.StoreTail(Lanes.LoadTail(dd[i..]) + slope, dd[i..]);
        }
    }

    /// <summary>a − b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<double> Lower, Vector512<double> Upper) Difference(Vector512<float> a, Vector512<float> b)
    {
        (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(a);
        (Vector512<double> lessLower, Vector512<double> lessUpper) = Vector512.Widen(b);
        return (lower - lessLower, upper - lessUpper);
    }
}
