using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>Sums of four products of bytes a lane: sum + Σ u·x, u without a sign, x with one; whole numbers, exact, so the same on every processor.</summary>
internal interface IQuantizedDot
{
    /// <summary>The sums of two groups.</summary>
    static abstract Vector256<int> Two(Vector256<int> sum, Vector256<byte> u, Vector256<sbyte> x, Vector256<byte> v, Vector256<sbyte> y);
}

/// <summary>One instruction a group (AVX-VNNI).</summary>
internal readonly struct WideningDot : IQuantizedDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Two(Vector256<int> sum, Vector256<byte> u, Vector256<sbyte> x, Vector256<byte> v, Vector256<sbyte> y) =>
        AvxVnni.MultiplyWideningAndAdd(AvxVnni.MultiplyWideningAndAdd(sum, u, x), v, y);
}

/// <summary>AVX2, u at most 64: two pairs of products, 4·64·127, fit the 16 bits of their sum.</summary>
internal readonly struct PairsDot : IQuantizedDot
{
    /// <summary>The largest u.</summary>
    public const int Largest = 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Two(Vector256<int> sum, Vector256<byte> u, Vector256<sbyte> x, Vector256<byte> v, Vector256<sbyte> y) =>
        sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(u, x) + Avx2.MultiplyAddAdjacent(v, y), Vector256<short>.One);
}

/// <summary>AVX2, any u: w = u − 128 gives its sign to x, so that a pair of products, 2·128·127, fits 16 bits. The sum is that of w·x.</summary>
internal readonly struct SignsDot : IQuantizedDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Two(Vector256<int> sum, Vector256<byte> u, Vector256<sbyte> x, Vector256<byte> v, Vector256<sbyte> y) =>
        One(One(sum, u, x), v, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> One(Vector256<int> sum, Vector256<byte> u, Vector256<sbyte> x)
    {
        Vector256<sbyte> w = (u ^ Vector256.Create((byte)128)).AsSByte();
        return sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Avx2.Abs(w), Avx2.Sign(x, w)), Vector256<short>.One);
    }
}

/// <summary>Any processor: products of 32 bits, one byte of each lane after the other.</summary>
internal readonly struct PlainDot : IQuantizedDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Two(Vector256<int> sum, Vector256<byte> u, Vector256<sbyte> x, Vector256<byte> v, Vector256<sbyte> y) =>
        One(One(sum, u.AsInt32(), x.AsInt32()), v.AsInt32(), y.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> One(Vector256<int> sum, Vector256<int> u, Vector256<int> x)
    {
        for (int i = 0; i < 32; i += 8)
            sum += ((u >>> i) & Vector256.Create(255)) * (x << (24 - i) >> 24);
        return sum;
    }
}
