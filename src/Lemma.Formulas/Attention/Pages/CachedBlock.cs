using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>Blocks of 32 numbers rounded to a scale and whole numbers: x ≈ s·q, to even where two are as near.</summary>
/// <remarks>
/// A scale is a half, rounded away from zero. What is not finite, or too large for a half's scale (8.3 million with 8 bits, 0.52 million with 4), gives
/// the scale NaN, so that all scores of the position are NaN and nothing is lost in silence.
/// </remarks>
internal static unsafe class CachedBlock
{
    private const ushort NaN = 0x7E00;

    /// <summary>s = max |x|/127, q in −127 to 127: the bits of s, and 32 q.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ushort RoundEight(float* x, sbyte* q)
    {
        Vector512<float> low = Vector512.Load(x), high = Vector512.Load(x + 16);
        ushort bits = Up(Lanes.Max(Vector512.Max(Vector512.Abs(low), Vector512.Abs(high))) / 127, out float scale);
        Vector256.Narrow(Whole(low, scale, -127, 127), Whole(high, scale, -127, 127)).Store(q);
        return bits;
    }

    /// <summary>s = −m/8, m the number furthest from 0, q in −8 to 7: the bits of s, and 32 numbers q + 8.</summary>
    /// <remarks>So m itself has the further end of the range, as in ggml's Q4_0.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ushort RoundFour(float* x, byte* q)
    {
        Vector512<float> low = Vector512.Load(x), high = Vector512.Load(x + 16);
        float most = Lanes.Max(Vector512.Max(low, high)), least = Lanes.Max(Vector512.Max(-low, -high));
        ushort bits = Up(MathF.Max(most, least) / 8, out float scale);
        if (most >= least)
            (bits, scale) = ((ushort)(bits | 0x8000), -scale);
        (Vector256.Narrow(Whole(low, scale, -8, 7), Whole(high, scale, -8, 7)) + Vector256.Create((sbyte)8)).AsByte().Store(q);
        return bits;
    }

    // The least half that is not less.
    private static ushort Up(float value, out float scale)
    {
        Half half = (Half)value;
        if ((float)half < value)
            half = Half.BitIncrement(half);
        bool isFinite = Half.IsFinite(half);
        scale = isFinite ? (float)half : float.NaN;
        return isFinite ? BitConverter.HalfToUInt16Bits(half) : NaN;
    }

    // A NaN would be converted to any number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Whole(Vector512<float> x, float scale, int least, int most)
    {
        if (scale == 0 || float.IsNaN(scale))
            return default;
        Vector512<int> whole = Vector512.ConvertToInt32(Vector512.Round(x / scale, MidpointRounding.ToEven));
        whole = Vector512.Max(Vector512.Min(whole, Vector512.Create(most)), Vector512.Create(least));
        return Vector256.Narrow(whole.GetLower(), whole.GetUpper());
    }
}
