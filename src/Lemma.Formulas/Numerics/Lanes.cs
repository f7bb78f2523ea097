using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>Loads, stores and sums over 16 virtual lanes, the same on every processor.</summary>
/// <remarks>
/// Code is written for <see cref="Vector512{T}"/>; narrower processors run it as several narrower operations, with the same bits.
/// </remarks>
internal static class Lanes
{
    /// <summary>Lanes of a vector.</summary>
    public const int Count = 16;

    /// <summary>Sixteen elements at an index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(ref float start, int index) => Vector512.LoadUnsafe(ref start, (nuint)index);

    /// <summary>The last, fewer than sixteen elements; lanes beyond them hold <paramref name="rest"/>.</summary>
    /// <remarks>Masked, because a call behind a loop would make its sums live in memory instead of registers.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> LoadTail(ReadOnlySpan<float> tail, float rest = 0)
    {
        if (!Avx2.IsSupported)
            return CopyTail(tail, rest);
        Vector512<float> mask = Mask(tail.Length);
        fixed (float* at = tail)
        {
            Vector512<float> read = Avx512F.IsSupported ? Avx512F.MaskLoad(at, mask, default)
                : Vector512.Create(Avx.MaskLoad(at, mask.GetLower()), Avx.MaskLoad(at + 8, mask.GetUpper()));
            return Vector512.ConditionalSelect(mask, read, Vector512.Create(rest));
        }
    }

    /// <summary>Stores as many lanes as the span has elements, at most sixteen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreTail(Vector512<float> value, Span<float> tail)
    {
        if (!Avx2.IsSupported)
        {
            CopyTail(value, tail);
            return;
        }
        Vector512<float> mask = Mask(tail.Length);
        fixed (float* at = tail)
        {
            if (Avx512F.IsSupported)
            {
                Avx512F.MaskStore(at, mask, value);
                return;
            }
            Avx.MaskStore(at, mask.GetLower(), value.GetLower());
            Avx.MaskStore(at + 8, mask.GetUpper(), value.GetUpper());
        }
    }

    /// <summary>The first lanes of a vector, 0 in the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Keep(Vector512<float> value, int count) => value & Mask(count);

    /// <summary>The first of eight lanes, 0 in the others; none for a count below 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Keep(Vector512<double> value, int count) =>
        value & Vector512.LessThan(Vector512<long>.Indices, Vector512.Create((long)count)).AsDouble();

    /// <summary>Sixteen lanes added by pairs into eight in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Wide(Vector512<float> value)
    {
        (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(value);
        return lower + upper;
    }

    /// <summary>The sum of eight lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector512<double> sum) => sum[0] + sum[4] + (sum[2] + sum[6]) + (sum[1] + sum[5] + (sum[3] + sum[7]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Mask(int count) => Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    private static Vector512<float> CopyTail(ReadOnlySpan<float> tail, float rest)
    {
        Span<float> buffer = stackalloc float[Count];
        buffer.Fill(rest);
        tail.CopyTo(buffer);
        return Vector512.Create<float>(buffer);
    }

    private static void CopyTail(Vector512<float> value, Span<float> tail)
    {
        Span<float> buffer = stackalloc float[Count];
        value.CopyTo(buffer);
        buffer[..tail.Length].CopyTo(tail);
    }

    /// <summary>The sum of sixteen lanes: halves, quarters, pairs, in this order on every processor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> value)
    {
        Vector256<float> half = value.GetLower() + value.GetUpper();
        Vector128<float> quarter = half.GetLower() + half.GetUpper();
        return quarter[0] + quarter[2] + (quarter[1] + quarter[3]);
    }

    /// <summary>The largest of sixteen lanes; NaN if one is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> value)
    {
        Vector256<float> half = Vector256.Max(value.GetLower(), value.GetUpper());
        Vector128<float> quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[2]), MathF.Max(quarter[1], quarter[3]));
    }

    /// <summary>Σ x.</summary>
    /// <remarks>Two sums by turns here and below: one alone waits for its own additions.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sum(ReadOnlySpan<float> x)
    {
        ref float start = ref MemoryMarshal.GetReference(x);
        Vector512<float> sum = default, more = default;
        int i = 0;
        for (; i + 2 * Count <= x.Length; i += 2 * Count)
        {
            sum += Load(ref start, i);
            more += Load(ref start, i + Count);
        }
        if (i + Count <= x.Length)
        {
            sum += Load(ref start, i);
            i += Count;
        }
        if (i < x.Length)
            more += LoadTail(x[i..]);
        return Sum(sum + more);
    }

    /// <summary>Σ x, added in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double WideSum(ReadOnlySpan<float> x)
    {
        ref float start = ref MemoryMarshal.GetReference(x);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Count <= x.Length; i += Count)
            sum += Wide(Load(ref start, i));
        if (i < x.Length)
            sum += Wide(LoadTail(x[i..]));
        return Sum(sum);
    }

    /// <summary>Σ x·y, products fused.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Check.Reach(x.Length, y.Length);
        ref float startX = ref MemoryMarshal.GetReference(x), startY = ref MemoryMarshal.GetReference(y);
        Vector512<float> sum = default, more = default;
        int i = 0;
        for (; i + 2 * Count <= x.Length; i += 2 * Count)
        {
            sum = Vector512.FusedMultiplyAdd(Load(ref startX, i), Load(ref startY, i), sum);
            more = Vector512.FusedMultiplyAdd(Load(ref startX, i + Count), Load(ref startY, i + Count), more);
        }
        if (i + Count <= x.Length)
        {
            sum = Vector512.FusedMultiplyAdd(Load(ref startX, i), Load(ref startY, i), sum);
            i += Count;
        }
        if (i < x.Length)
            more = Vector512.FusedMultiplyAdd(LoadTail(x[i..]), LoadTail(y[i..]), more);
        return Sum(sum + more);
    }

    /// <summary>Σ x·y in double, over 8 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check.Reach(x.Length, y.Length);
        ref double startX = ref MemoryMarshal.GetReference(x), startY = ref MemoryMarshal.GetReference(y);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + 8 <= x.Length; i += 8)
            sum = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref startX, (nuint)i), Vector512.LoadUnsafe(ref startY, (nuint)i), sum);
        double rest = 0;
        for (; i < x.Length; i++)
            rest = Math.FusedMultiplyAdd(x[i], y[i], rest);
        return Sum(sum) + rest;
    }

    /// <summary>y += α·x in double, products fused.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(ReadOnlySpan<double> x, double alpha, Span<double> y)
    {
        Check.Reach(x.Length, y.Length);
        ref double startX = ref MemoryMarshal.GetReference(x), startY = ref MemoryMarshal.GetReference(y);
        Vector512<double> scale = Vector512.Create(alpha);
        int i = 0;
        for (; i + 8 <= x.Length; i += 8)
        {
            Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref startX, (nuint)i), scale, Vector512.LoadUnsafe(ref startY, (nuint)i))
                .StoreUnsafe(ref startY, (nuint)i);
        }
        for (; i < x.Length; i++)
            y[i] = Math.FusedMultiplyAdd(x[i], alpha, y[i]);
    }

    /// <summary>y += α·x for x in double.</summary>
    public static void AddScaled(ReadOnlySpan<double> x, double alpha, Span<float> y)
    {
        for (int i = 0; i < x.Length; i++)
            y[i] = (float)Math.FusedMultiplyAdd(x[i], alpha, y[i]);
    }

    /// <summary>The largest element; −∞ for none, NaN if one is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Max(ReadOnlySpan<float> x)
    {
        ref float start = ref MemoryMarshal.GetReference(x);
        Vector512<float> largest = Vector512.Create(float.NegativeInfinity);
        int i = 0;
        for (; i + Count <= x.Length; i += Count)
            largest = Larger(largest, Load(ref start, i));
        if (i < x.Length)
            largest = Larger(largest, LoadTail(x[i..], float.NegativeInfinity));
        return Max(largest);
    }

    // NaN if either is: the native form keeps a NaN that comes second, the comparison one that came first.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Larger(Vector512<float> largest, Vector512<float> x) =>
        Vector512.ConditionalSelect(Vector512.IsNaN(largest), largest, Vector512.MaxNative(largest, x));

    /// <summary>y += α·x, products fused.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(ReadOnlySpan<float> x, float alpha, Span<float> y)
    {
        Check.Reach(x.Length, y.Length);
        ref float startX = ref MemoryMarshal.GetReference(x), startY = ref MemoryMarshal.GetReference(y);
        Vector512<float> scale = Vector512.Create(alpha);
        int i = 0;
        for (; i + Count <= x.Length; i += Count)
            Vector512.FusedMultiplyAdd(Load(ref startX, i), scale, Load(ref startY, i)).StoreUnsafe(ref startY, (nuint)i);
        for (; i < x.Length; i++)
            y[i] = MathF.FusedMultiplyAdd(x[i], alpha, y[i]);
    }
}
