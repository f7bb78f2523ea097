using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>Exponential, logistic, hyperbolic tangent and error function of sixteen lanes, with the same bits on every processor.</summary>
internal static class VectorMath
{
    /// <summary>e^x, within 1 ulp; 0 and ∞ beyond the range, NaN for NaN.</summary>
    /// <remarks>x = n·ln 2 + r with |r| ≤ ln 2/2; e^r by a polynomial of degree 6; 2ⁿ is applied so that denormals come out
    /// right: in one instruction or, with the same bits, in two factors.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // Clamped so that n stays in range; the native forms are one instruction each and keep a NaN that comes second.
        x = Vector512.MinNative(Vector512.Create(89f), Vector512.MaxNative(Vector512.Create(-105f), x));
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

    /// <summary>erf x: an odd polynomial below 0.93, 1 − e^−q(|x|) above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Erf(Vector512<float> x)
    {
        Vector512<float> size = Vector512.Abs(x), square = x * x;
        Vector512<float> p = Vector512.Create(-5.96761703e-4f);
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(4.99119423e-3f));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(-2.67681349e-2f));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(1.12819925e-1f));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(-3.76125336e-1f));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(1.28379166e-1f));
        Vector512<float> small = Vector512.FusedMultiplyAdd(p, x, x);
        // Beyond 4 the result is 1 to the last bit; the clamp keeps the polynomial in its range, and NaN.
        Vector512<float> t = Vector512.MinNative(Vector512.Create(4f), size);
        Vector512<float> q = Vector512.Create(-1.72853470e-5f);
        q = Vector512.FusedMultiplyAdd(q, t, Vector512.Create(3.83197126e-4f));
        q = Vector512.FusedMultiplyAdd(q, t, Vector512.Create(-3.88396438e-3f));
        q = Vector512.FusedMultiplyAdd(q, t, Vector512.Create(2.42546219e-2f));
        q = Vector512.FusedMultiplyAdd(q, t, Vector512.Create(-1.06777877e-1f));
        q = Vector512.FusedMultiplyAdd(q, t, Vector512.Create(-6.34846687e-1f));
        q = Vector512.FusedMultiplyAdd(q, t, Vector512.Create(-1.28717512e-1f));
        q = Vector512.FusedMultiplyAdd(q, t, -t);
        Vector512<float> large = Vector512.Create(1f) - Exp(q);
        return Vector512.ConditionalSelect(Vector512.LessThan(size, Vector512.Create(0.927734375f)), small, CopySign(large, x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> CopySign(Vector512<float> size, Vector512<float> sign) =>
        Vector512.ConditionalSelect(Vector512.Create(-0f), sign, size);
}
