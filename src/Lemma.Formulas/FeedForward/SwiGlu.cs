using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = silu(a) ∘ b, the gate of a SwiGLU layer; a and b are the halves of each row of x.</summary>
/// <remarks>x: [rows, 2·d_ff], gate first; y: [rows, d_ff]. Shazeer 2020, "GLU variants improve transformer", eq. 6.</remarks>
public static class SwiGlu
{
    /// <summary>y = a·σ(a)·b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> x, int width, Span<float> y)
    {
        Check.Rows("swiglu", y.Length, width);
        Check.SameLength("swiglu", 2 * y.Length, x.Length);
        for (int row = 0; row < y.Length / width; row++)
        {
            ReadOnlySpan<float> a = x.Slice(2 * row * width, width), b = x.Slice((2 * row + 1) * width, width);
            Span<float> to = y.Slice(row * width, width);
            ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b);
            int i = 0;
            for (; i + Lanes.Count <= width; i += Lanes.Count)
                (Silu.Function.Value(Lanes.Load(ref startA, i)) * Lanes.Load(ref startB, i)).CopyTo(to[i..]);
            if (i < width)
                Lanes.StoreTail(Silu.Function.Value(Lanes.LoadTail(a[i..])) * Lanes.LoadTail(b[i..]), to[i..]);
        }
    }

    /// <summary>da += silu'(a)·b·dy;  db += silu(a)·dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> x, int width, ReadOnlySpan<float> dy, Span<float> dx)
    {
        Check.Rows("swiglu", dy.Length, width);
        Check.SameLength("swiglu", 2 * dy.Length, x.Length);
        Check.SameLength("swiglu", x.Length, dx.Length);
        for (int row = 0; row < dy.Length / width; row++)
        {
            int at = 2 * row * width;
            ReadOnlySpan<float> a = x.Slice(at, width), b = x.Slice(at + width, width), up = dy.Slice(row * width, width);
            Span<float> da = dx.Slice(at, width), db = dx.Slice(at + width, width);
            ref float startA = ref MemoryMarshal.GetReference(a), startB = ref MemoryMarshal.GetReference(b);
            ref float startUp = ref MemoryMarshal.GetReference(up);
            ref float startDa = ref MemoryMarshal.GetReference(da), startDb = ref MemoryMarshal.GetReference(db);
            int i = 0;
            for (; i + Lanes.Count <= width; i += Lanes.Count)
            {
                Vector512<float> gradientA = Lanes.Load(ref startDa, i), gradientB = Lanes.Load(ref startDb, i);
                Both(Lanes.Load(ref startA, i), Lanes.Load(ref startB, i), Lanes.Load(ref startUp, i), ref gradientA, ref gradientB);
                gradientA.StoreUnsafe(ref startDa, (nuint)i);
                gradientB.StoreUnsafe(ref startDb, (nuint)i);
            }
            if (i < width)
            {
                Vector512<float> gradientA = Lanes.LoadTail(da[i..]), gradientB = Lanes.LoadTail(db[i..]);
                Both(Lanes.LoadTail(a[i..]), Lanes.LoadTail(b[i..]), Lanes.LoadTail(up[i..]), ref gradientA, ref gradientB);
                Lanes.StoreTail(gradientA, da[i..]);
                Lanes.StoreTail(gradientB, db[i..]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Both(Vector512<float> a, Vector512<float> b, Vector512<float> dy, ref Vector512<float> da, ref Vector512<float> db)
    {
        Vector512<float> gate = VectorMath.Sigmoid(a), value = a * gate;
        Vector512<float> derivative = Vector512.FusedMultiplyAdd(value, Vector512.Create(1f) - gate, gate);
        da = Vector512.FusedMultiplyAdd(derivative * b, dy, da);
        db = Vector512.FusedMultiplyAdd(value, dy, db);
    }
}
