using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>What Q6_K writes of 256 numbers: x ≈ (d·s)·(q − 32), with a signed byte s for each 16 numbers.</summary>
/// <remarks>As <see cref="AffineBlock"/>, without minima: the scale of the largest magnitude becomes −128, the end that reaches further.</remarks>
internal static class SymmetricBlock
{
    private const int Parts = 16, Width = 16, Levels = 32, Turns = 2;

    /// <summary>Chooses everything.</summary>
    /// <param name="x">256 numbers.</param>
    /// <param name="importance">How much each column's error counts, or none: then more where the number is large.</param>
    /// <param name="q">Each number's q.</param>
    /// <param name="s">The scales of the parts, signed bytes.</param>
    /// <param name="d">The scale of scales.</param>
    public static void Choose(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, Span<byte> q, Span<byte> s, out Half d)
    {
        Span<float> weights = stackalloc float[Parts * Width], scales = stackalloc float[Parts];
        for (int part = 0; part < Parts; part++)
        {
            float deviation = MathF.Sqrt(BlockSums.OfSquares(Part(x, part)) / Width);
            for (int i = part * Width; i < (part + 1) * Width; i++)
                weights[i] = importance.Length == 0 ? deviation + Math.Abs(x[i]) : importance[i];
        }
        for (int part = 0; part < Parts; part++)
            scales[part] = SymmetricSearch.Scale(Part(x, part), Part(weights, part), Levels);
        Span<byte> other = stackalloc byte[Parts];
        d = (Half)(SymmetricSearch.Furthest(scales) / -128);
        float error = Fit(x, weights, scales, (float)d, s);
        for (int turn = 0; turn < Turns; turn++)
        {
            Half otherD = Solve(x, weights, (float)d, s);
            if (!Half.IsFinite(otherD))
                break;
            float otherError = Fit(x, weights, scales, (float)otherD, other);
            if (!(otherError < error))
                break;
            (d, error) = (otherD, otherError);
            other.CopyTo(s);
        }
        for (int part = 0; part < Parts; part++)
        {
            float inverse = InverseOf((float)d * (sbyte)s[part]);
            for (int i = part * Width; i < (part + 1) * Width; i++)
                q[i] = (byte)(Math.Clamp(MathF.Round(x[i] * inverse), -Levels, Levels - 1) + Levels);
        }
    }

    private static float Fit(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> scales, float d, Span<byte> s)
    {
        float sum = 0;
        for (int part = 0; part < Parts; part++)
        {
            int near = d == 0 ? 0 : (int)Math.Clamp(MathF.Round(scales[part] / d), -128, 127);
            float least = float.PositiveInfinity;
            s[part] = (byte)(sbyte)near;
            for (int one = Math.Max(-128, near - 1); one <= Math.Min(127, near + 1); one++)
            {
                float error = Error(Part(x, part), Part(weights, part), d * one);
                if (error < least)
                    (s[part], least) = ((byte)(sbyte)one, error);
            }
            sum += least;
        }
        return sum;
    }

    private static float Error(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, float scale)
    {
        Vector256<float> each = Vector256.Create(scale), inverse = Vector256.Create(InverseOf(scale)), sum = default;
        for (int i = 0; i < x.Length; i += 8)
        {
            Vector256<float> number = Vector256.Create(x[i..]), off = number - each * BlockSums.Whole(number * inverse, -Levels, Levels - 1);
            sum += Vector256.Create(weights[i..]) * off * off;
        }
        return BlockSums.OfLanes(sum);
    }

    // d that makes Σ w·(x − d·(s·q))² least for given s and q.
    private static Half Solve(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, float d, ReadOnlySpan<byte> s)
    {
        double products = 0, squares = 0;
        for (int i = 0; i < x.Length; i++)
        {
            int scale = (sbyte)s[i / Width];
            double a = scale * Math.Clamp(MathF.Round(x[i] * InverseOf(d * scale)), -Levels, Levels - 1);
            products += weights[i] * a * x[i];
            squares += weights[i] * a * a;
        }
        return squares > 0 ? (Half)(products / squares) : (Half)d;
    }

    private static float InverseOf(float scale) => scale != 0 && float.IsFinite(1 / scale) ? 1 / scale : 0;

    private static ReadOnlySpan<float> Part(ReadOnlySpan<float> all, int part) => all.Slice(part * Width, Width);
}
