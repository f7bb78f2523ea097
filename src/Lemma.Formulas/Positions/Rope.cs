using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>
/// Rotary positions: (a, b) ↦ (a·cos mθᵢ − b·sin mθᵢ, b·cos mθᵢ + a·sin mθᵢ), θᵢ = θ^(−2i/d), for every pair i of a head at position m.
/// </summary>
/// <remarks>
/// A pair is (x₂ᵢ, x₂ᵢ₊₁) in the interleaved layout, as published, or (xᵢ, xᵢ₊d/2) in the half-split layout, as most checkpoints store it.
/// q·k after it depends on the distance of their positions alone. Su et al. 2021, eq. 34.
/// </remarks>
public static class Rope
{
    /// <summary>Fills cos and sin of m·θᵢ, times a magnitude, for positions from <paramref name="start"/> on; both are [positions, pairs].</summary>
    public static void Angles(int start, int positions, ReadOnlySpan<double> frequencies, double magnitude, Span<float> cosines, Span<float> sines)
    {
        int half = frequencies.Length;
        Check.SameLength("rope", (long)positions * half, cosines.Length);
        Check.SameLength("rope", (long)positions * half, sines.Length);
        for (int i = 0; i < half; i++)
        {
            for (int m = 0; m < positions; m++)
            {
                (double sine, double cosine) = Math.SinCos((start + m) * frequencies[i]);
                (cosines[m * half + i], sines[m * half + i]) = ((float)(cosine * magnitude), (float)(sine * magnitude));
            }
        }
    }

    /// <summary>Turns heads that follow each other.</summary>
    public static void Turn(Span<float> x, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines, bool interleaved, bool inverse)
    {
        Check.Rows("rope", x.Length, 2 * cosines.Length);
        Turn(x, 2 * cosines.Length, cosines, sines, interleaved, inverse);
    }

    /// <summary>
    /// Turns the heads of one row in place; the inverse turn, which is also the backward of the gradient, with <paramref name="inverse"/>.
    /// </summary>
    /// <param name="x">From the first head's first turning element to the last head's last one, changed in place.</param>
    /// <param name="stride">Elements from a head to the next, at least d; what lies between stays.</param>
    /// <param name="cosines">[d/2] of this row's position.</param>
    /// <param name="sines">[d/2] of this row's position.</param>
    /// <param name="interleaved">The layout of the pairs.</param>
    /// <param name="inverse">Whether to turn back.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(Span<float> x, int stride, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines, bool interleaved, bool inverse)
    {
        int half = cosines.Length, d = 2 * half;
        Check.SameLength("rope", half, sines.Length);
        Check.That(stride >= d && stride > 0, "rope", $"heads of {d} cannot follow each other after {stride}");
        for (int head = 0; head < x.Length; head += stride)
        {
            Span<float> row = x.Slice(head, d);
            int i = 0;
            if (!interleaved)
            {
                for (; i + Lanes.Count <= half; i += Lanes.Count)
                {
                    Vector512<float> a = Vector512.Create<float>(row[i..]), b = Vector512.Create<float>(row[(half + i)..]);
                    Vector512<float> cosine = Vector512.Create(cosines[i..]), sine = Vector512.Create(sines[i..]);
                    if (inverse)
                        sine = -sine;
                    Vector512.FusedMultiplyAdd(a, cosine, -(b * sine)).CopyTo(row[i..]);
                    Vector512.FusedMultiplyAdd(b, cosine, a * sine).CopyTo(row[(half + i)..]);
                }
            }
            for (; i < half; i++)
            {
                (int first, int second) = interleaved ? (2 * i, 2 * i + 1) : (i, half + i);
                float a = row[first], b = row[second], cosine = cosines[i], sine = inverse ? -sines[i] : sines[i];
                row[first] = MathF.FusedMultiplyAdd(a, cosine, -(b * sine));
                row[second] = MathF.FusedMultiplyAdd(b, cosine, a * sine);
            }
        }
    }
}
