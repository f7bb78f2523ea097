using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>A function of one element, sixteen at a time.</summary>
internal interface IFunction
{
    /// <summary>f(x).</summary>
    static abstract Vector512<float> Value(Vector512<float> x);

    /// <summary>f'(x).</summary>
    static abstract Vector512<float> Derivative(Vector512<float> x);
}

/// <summary>Applies an <see cref="IFunction"/> to every element.</summary>
internal static class Elementwise
{
    /// <summary>y = f(x); y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TFunction>(ReadOnlySpan<float> x, Span<float> y) where TFunction : IFunction
    {
        Check.SameLength(typeof(TFunction).Name, x.Length, y.Length);
        ref float from = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(y);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
            TFunction.Value(Lanes.Load(ref from, i)).StoreUnsafe(ref to, (nuint)i);
        if (i < x.Length)
            Lanes.StoreTail(TFunction.Value(Lanes.LoadTail(x[i..])), y[i..]);
    }

    /// <summary>dx += f'(x)·dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<TFunction>(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) where TFunction : IFunction
    {
        Check.SameLength(typeof(TFunction).Name, x.Length, dy.Length);
        Check.SameLength(typeof(TFunction).Name, x.Length, dx.Length);
        ref float from = ref MemoryMarshal.GetReference(x), up = ref MemoryMarshal.GetReference(dy),
            to = ref MemoryMarshal.GetReference(dx);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512.FusedMultiplyAdd(TFunction.Derivative(Lanes.Load(ref from, i)), Lanes.Load(ref up, i), Lanes.Load(ref to, i))
                .StoreUnsafe(ref to, (nuint)i);
        }
        if (i < x.Length)
        {
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(TFunction.Derivative(Lanes.LoadTail(x[i..])),
                Lanes.LoadTail(dy[i..]), Lanes.LoadTail(dx[i..])), dx[i..]);
        }
    }
}
