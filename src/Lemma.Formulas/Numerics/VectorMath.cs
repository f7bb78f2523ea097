using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>Exponential, logarithm, logistic, hyperbolic tangent and Φ of sixteen lanes, with the same bits on every processor.</summary>
internal static class VectorMath
{
    /// <summary>e^x, within 1 ulp; 0 and ∞ beyond the range, NaN for NaN.</summary>
    /// <remarks>x = n·ln 2 + r with |r| ≤ ln 2/2; e^r by a polynomial of degree 6; 2ⁿ is applied so that denormals come out
    /// right: in one instruction or, with the same bits, in two factors.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // Clamped so that n stays in range; the native forms are one instruction each and keep a NaN that comes second.
        return ExpInRange(Vector512.MinNative(Vector512.Create(89f), Vector512.MaxNative(Vector512.Create(-105f), x)));
    }

    /// <summary>e^x for −150 ≤ x ≤ 89.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ExpInRange(Vector512<float> x)
    {
        // Adding 1.5·2²³ rounds to the nearest integer, which then stands in the low bits.
        Vector512<float> shift = Vector512.Create(12582912f);
        Vector512<float> shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504f), shift);
        Vector512<float> n = shifted - shift;
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693145752f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-1.42860677e-6f), r);
        Vector512<float> p = Vector512.Create(1.37805939e-3f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.37312452e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.16695364e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.66664720e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.99999851e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f));
        if (Avx512F.IsSupported)
            return Avx512F.Scale(p, n);
        Vector512<int> exponent = shifted.AsInt32() - Vector512.Create(0x4B400000);
        Vector512<int> half = exponent >> 1;
        Vector512<float> first = ((half + Vector512.Create(127)) << 23).AsSingle();
        Vector512<float> second = ((exponent - half + Vector512.Create(127)) << 23).AsSingle();
        return p * first * second;
    }

    /// <summary>e^x − 1 with all its digits near 0; −1 and ∞ beyond the range, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ExpMinusOne(Vector512<float> x)
    {
        (Vector512<float> r, Vector512<float> more, Vector512<float> half) = Reduce(x);
        return MinusOne(r + more, half);
    }

    /// <summary>e^x − 1 − x with all its digits near 0; ∞ beyond the range, NaN for NaN and ∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ExpExcess(Vector512<float> x)
    {
        (Vector512<float> r, Vector512<float> more, Vector512<float> half) = Reduce(x);
        return Vector512.ConditionalSelect(Vector512.Equals(half, Vector512.Create(0.5f)), more, MinusOne(r + more, half) - x);
    }

    // 2ⁿ·(1 + p) − 1 from 2ⁿ⁻¹, which is in range where 2ⁿ no longer is.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> MinusOne(Vector512<float> p, Vector512<float> half)
    {
        Vector512<float> y = Vector512.FusedMultiplyAdd(p, half, half - Vector512.Create(0.5f));
        return y + y;
    }

    // e^x = 2ⁿ·(1 + r + more): r, more = r² times a polynomial of degree 4, and 2ⁿ⁻¹; below −60 the same as at −60.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> R, Vector512<float> More, Vector512<float> Half) Reduce(Vector512<float> x)
    {
        x = Vector512.MinNative(Vector512.Create(89f), Vector512.MaxNative(Vector512.Create(-60f), x));
        Vector512<float> shift = Vector512.Create(12582912f);
        Vector512<float> shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504f), shift);
        Vector512<float> n = shifted - shift;
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693145752f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-1.42860677e-6f), r);
        Vector512<float> p = Vector512.Create(1.37805939e-3f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.37312452e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.16695364e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.66664720e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.99999851e-1f));
        return (r, p * r * r, ((shifted.AsInt32() - Vector512.Create(0x4B400000 - 126)) << 23).AsSingle());
    }

    /// <summary>σ(x) = 1/(1 + e^−x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x) => Vector512.Create(1f) / (Vector512.Create(1f) + Exp(-x));

    /// <summary>tanh x: an odd polynomial below 0.625, 1 − 2/(e^2|x| + 1) above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Tanh(Vector512<float> x)
    {
        Vector512<float> size = Vector512.Abs(x), square = x * x;
        Vector512<float> p = Vector512.Create(-5.70498872745e-3f);
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(2.06390887954e-2f));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(-5.37397155531e-2f));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(1.33314422036e-1f));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(-3.33332819422e-1f));
        Vector512<float> small = Vector512.FusedMultiplyAdd(p * square, x, x);
        Vector512<float> one = Vector512.Create(1f);
        Vector512<float> large = one - Vector512.Create(2f) / (Exp(size + size) + one);
        return Vector512.ConditionalSelect(Vector512.LessThan(size, Vector512.Create(0.625f)), small, CopySign(large, x));
    }

    /// <summary>Φ(x) = (1 + erf(x/√2))/2: its tail on the left, 1 less the tail on the right.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Normal(Vector512<float> x)
    {
        Vector512<float> tail = NormalTail(x).Tail;
        return Vector512.ConditionalSelect(Vector512.LessThan(x, default), tail, Vector512.Create(1f) - tail);
    }

    /// <summary>s = |x|, 12 beyond 12, and Φ(−s) = e^q(s), 0 there.</summary>
    /// <remarks>
    /// q(s) = ln(erfc(s/√2)/2), −ln 2 and s times a polynomial of degree 9: within 10⁻⁷, and within 3·10⁻⁶ of the small values up to 5.5;
    /// further out it is between 0 and Φ(−s).
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Size, Vector512<float> Tail) NormalTail(Vector512<float> x)
    {
        Vector512<float> s = Vector512.MinNative(Vector512.Create(12f), Vector512.Abs(x));
        Vector512<float> q = Vector512.Create(-1.7004545e-8f);
        q = Vector512.FusedMultiplyAdd(q, s, Vector512.Create(5.1607037e-7f));
        q = Vector512.FusedMultiplyAdd(q, s, Vector512.Create(-6.7304059e-6f));
        q = Vector512.FusedMultiplyAdd(q, s, Vector512.Create(4.7850252e-5f));
        q = Vector512.FusedMultiplyAdd(q, s, Vector512.Create(-1.7616728e-4f));
        q = Vector512.FusedMultiplyAdd(q, s, Vector512.Create(-3.5893867e-5f));
        q = Vector512.FusedMultiplyAdd(q, s, Vector512.Create(4.8571229e-3f));
        q = Vector512.FusedMultiplyAdd(q, s, Vector512.Create(-3.6375768e-2f));
        q = Vector512.FusedMultiplyAdd(q, s, Vector512.Create(-3.1829998e-1f));
        q = Vector512.FusedMultiplyAdd(q, s, Vector512.Create(-7.9788536e-1f));
        return (s, ExpInRange(Vector512.FusedMultiplyAdd(q, s, Vector512.Create(-0.693147181f))));
    }

    /// <summary>ln x, within 1 ulp; −∞ for 0, ∞ for ∞, NaN below 0 and for NaN.</summary>
    /// <remarks>x = 2ᵉ·(1 + f) with √½ ≤ 1 + f &lt; √2; f is exact, also for denormals, which are scaled first.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Log(Vector512<float> x)
    {
        Vector512<float> isTiny = Vector512.LessThan(x, Vector512.Create(1.17549435e-38f));
        Vector512<int> bits = Vector512.ConditionalSelect(isTiny, x * Vector512.Create(8388608f), x).AsInt32();
        Vector512<int> above = bits - Vector512.Create(RootOfHalf);
        Vector512<float> f = ((above & Vector512.Create(0x7FFFFF)) + Vector512.Create(RootOfHalf)).AsSingle() - Vector512.Create(1f);
        Vector512<float> e = Vector512.ConvertToSingle(above >> 23) - (isTiny & Vector512.Create(23f));
        Vector512<float> y = LogOf(f, e);
        y = Vector512.ConditionalSelect(Vector512.Equals(x, default), Vector512.Create(float.NegativeInfinity), y);
        Vector512<float> isNumber = Vector512.GreaterThanOrEqual(x, default);
        isNumber &= Vector512.LessThan(x, Vector512.Create(float.PositiveInfinity));
        Vector512<float> other = Vector512.ConditionalSelect(Vector512.GreaterThan(x, default), x, Vector512.Create(float.NaN));
        return Vector512.ConditionalSelect(isNumber, y, other);
    }

    /// <summary>ln(1 + x) for −1 ≤ x ≤ 2²⁴, within 1.5 ulp, also near 0; NaN for NaN.</summary>
    /// <remarks>e as in <see cref="Log"/> of 1 + x; f = x·2⁻ᵉ + (2⁻ᵉ − 1) is rounded once, so that no digit of x is lost.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LogOnePlus(Vector512<float> x)
    {
        Vector512<float> one = Vector512.Create(1f), sum = one + x;
        Vector512<int> e = (sum.AsInt32() - Vector512.Create(RootOfHalf)) >> 23;
        Vector512<float> factor = ((Vector512.Create(127) - e) << 23).AsSingle();
        Vector512<float> y = LogOf(Vector512.FusedMultiplyAdd(x, factor, factor - one), Vector512.ConvertToSingle(e));
        return Vector512.ConditionalSelect(Vector512.Equals(sum, default), Vector512.Create(float.NegativeInfinity), y);
    }

    /// <summary>ln(1 + e^−|x|), what ln(1 + e^x) is above max(x, 0); NaN for NaN.</summary>
    /// <remarks>e = e^−|x| lies in [0, 1], where ln(1 + e)/e is a polynomial of degree 9 within 5·10⁻⁹.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LogOnePlusExp(Vector512<float> x)
    {
        Vector512<float> e = ExpInRange(Vector512.MaxNative(Vector512.Create(-105f), -Vector512.Abs(x)));
        Vector512<float> p = Vector512.Create(-3.24398093e-3f);
        p = Vector512.FusedMultiplyAdd(p, e, Vector512.Create(1.98512617e-2f));
        p = Vector512.FusedMultiplyAdd(p, e, Vector512.Create(-5.69591597e-2f));
        p = Vector512.FusedMultiplyAdd(p, e, Vector512.Create(1.06036171e-1f));
        p = Vector512.FusedMultiplyAdd(p, e, Vector512.Create(-1.53055698e-1f));
        p = Vector512.FusedMultiplyAdd(p, e, Vector512.Create(1.96759313e-1f));
        p = Vector512.FusedMultiplyAdd(p, e, Vector512.Create(-2.49541327e-1f));
        p = Vector512.FusedMultiplyAdd(p, e, Vector512.Create(3.33299637e-1f));
        p = Vector512.FusedMultiplyAdd(p, e, Vector512.Create(-4.99999017e-1f));
        return Vector512.FusedMultiplyAdd(p, e, Vector512.Create(1f)) * e;
    }

    // The bits of √½.
    private const int RootOfHalf = 0x3F3504F3;

    // e·ln 2 + ln(1 + f) for √½ ≤ 1 + f < √2: f − f²/2 + f³ times a polynomial of degree 8, within 4·10⁻⁹; ln 2 in two parts.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> LogOf(Vector512<float> f, Vector512<float> e)
    {
        Vector512<float> p = Vector512.Create(6.74671009e-2f);
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-1.1675828e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.18882284e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-1.24055669e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.42195404e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-1.66679963e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.00021192e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-2.50000089e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(3.33333135e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-0.5f));
        Vector512<float> rest = Vector512.FusedMultiplyAdd(p * f, f, e * Vector512.Create(-2.12194440e-4f));
        return Vector512.FusedMultiplyAdd(e, Vector512.Create(6.93359375e-1f), f + rest);
    }

    private static Vector512<float> CopySign(Vector512<float> size, Vector512<float> sign) =>
        Vector512.ConditionalSelect(Vector512.Create(-0f), sign, size);
}
