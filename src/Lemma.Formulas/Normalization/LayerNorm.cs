using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = γ·(x − μ)·r + β, with r = 1/√(σ² + ε).</summary>
/// <remarks>
/// x, y: [rows, d]; γ, β: [d]; μ, r: [rows], kept for the backward. σ² is the mean of (x − μ)², taken in a second pass, so that a large mean
/// costs no digits. Ba, Kiros and Hinton 2016, eq. 4.
/// </remarks>
public static class LayerNorm
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "layer_norm",
        Group = "Normalization",
        Text = "y = γ·(x − μ)/√(σ² + ε) + β",
        Shapes = "x, y: [rows, d]; weight (γ), bias (β): [d]",
        Symbols = "μ, σ²: mean and variance of a row, over d",
        Source = "Ba, Kiros and Hinton 2016, Layer normalization, eq. 4",
        Gradient = "dx += r·(γ∘dy − mean(γ∘dy) − n·mean(n∘γ∘dy)), n = (x − μ)·r",
        Notes = "A second pass keeps the digits of a row with a large mean.",
        Example = "x[5,33] weight[33] bias[33] epsilon=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>y = γ·(x − μ)·r + β.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, float epsilon,
        Span<float> y, Span<float> mean, Span<float> r)
    {
        Check.Rows("layer_norm", x.Length, gamma.Length);
        Check.SameLength("layer_norm", gamma.Length, beta.Length);
        Check.SameLength("layer_norm", x.Length, y.Length);
        Check.SameLength("layer_norm", x.Length / gamma.Length, r.Length);
        Check.SameLength("layer_norm", r.Length, mean.Length);
        int d = gamma.Length;
        for (int row = 0; row < r.Length; row++)
        {
            ReadOnlySpan<float> from = x.Slice(row * d, d);
            Span<float> to = y.Slice(row * d, d);
            ref float startX = ref MemoryMarshal.GetReference(from), startY = ref MemoryMarshal.GetReference(to);
            ref float startGamma = ref MemoryMarshal.GetReference(gamma), startBeta = ref MemoryMarshal.GetReference(beta);
            float center = Lanes.Sum(from) / d;
            // The first mean of a long row is off by some units in the last place; the mean of what is left corrects it.
            Vector512<float> left = default, squares = default;
            int i = 0;
            for (; i + Lanes.Count <= d; i += Lanes.Count)
            {
                Vector512<float> centered = Lanes.Load(ref startX, i) - Vector512.Create(center);
                left += centered;
                squares = Vector512.FusedMultiplyAdd(centered, centered, squares);
            }
            if (i < d)
            {
                Vector512<float> centered = Lanes.LoadTail(from[i..], center) - Vector512.Create(center);
                left += centered;
                squares = Vector512.FusedMultiplyAdd(centered, centered, squares);
            }
            float correction = Lanes.Sum(left) / d;
            float variance = MathF.Max(0, Lanes.Sum(squares) / d - correction * correction);
            float scale = 1 / MathF.Sqrt(variance + epsilon);
            (mean[row], r[row]) = (center + correction, scale);
            for (i = 0; i + Lanes.Count <= d; i += Lanes.Count)
            {
                Vector512<float> normal = (Lanes.Load(ref startX, i) - Vector512.Create(center) - Vector512.Create(correction)) * scale;
                Vector512.FusedMultiplyAdd(normal, Lanes.Load(ref startGamma, i), Lanes.Load(ref startBeta, i)).StoreUnsafe(ref startY,
                    (nuint)i);
            }
            for (; i < d; i++)
                to[i] = MathF.FusedMultiplyAdd((from[i] - center - correction) * scale, gamma[i], beta[i]);
        }
    }

    /// <summary>dx += r·(γ∘dy − mean(γ∘dy) − n·mean(n∘γ∘dy)), n = (x − μ)·r;  dγ += Σ rows n∘dy;  dβ += Σ rows dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> mean, ReadOnlySpan<float> r,
        ReadOnlySpan<float> dy, Span<float> dx, Span<float> dgamma, Span<float> dbeta)
    {
        Check.Rows("layer_norm", x.Length, gamma.Length);
        Check.SameLength("layer_norm", x.Length, dy.Length);
        Check.SameLength("layer_norm", x.Length, dx.Length);
        int d = gamma.Length;
        for (int row = 0; row < r.Length; row++)
        {
            ReadOnlySpan<float> from = x.Slice(row * d, d), up = dy.Slice(row * d, d);
            Span<float> to = dx.Slice(row * d, d);
            ref float startX = ref MemoryMarshal.GetReference(from), startUp = ref MemoryMarshal.GetReference(up);
            ref float startGamma = ref MemoryMarshal.GetReference(gamma), startTo = ref MemoryMarshal.GetReference(to);
            ref float startDgamma = ref MemoryMarshal.GetReference(dgamma), startDbeta = ref MemoryMarshal.GetReference(dbeta);
            float scale = r[row], center = mean[row];
            Vector512<float> plain = default, along = default;
            int i = 0;
            for (; i + Lanes.Count <= d; i += Lanes.Count)
            {
                Vector512<float> normal = (Lanes.Load(ref startX, i) - Vector512.Create(center)) * scale, upstream = Lanes.Load(ref startUp,
                    i);
                Vector512.FusedMultiplyAdd(normal, upstream, Lanes.Load(ref startDgamma, i)).StoreUnsafe(ref startDgamma, (nuint)i);
                (upstream + Lanes.Load(ref startDbeta, i)).StoreUnsafe(ref startDbeta, (nuint)i);
                Vector512<float> weighted = upstream * Lanes.Load(ref startGamma, i);
                plain += weighted;
                along = Vector512.FusedMultiplyAdd(normal, weighted, along);
            }
            if (i < d)
            {
                Vector512<float> normal = (Lanes.LoadTail(from[i..], center) - Vector512.Create(center)) * scale,
                    upstream = Lanes.LoadTail(up[i..]);
                Lanes.StoreTail(Vector512.FusedMultiplyAdd(normal, upstream, Lanes.LoadTail(dgamma[i..])), dgamma[i..]);
                Lanes.StoreTail(upstream + Lanes.LoadTail(dbeta[i..]), dbeta[i..]);
                Vector512<float> weighted = upstream * Lanes.LoadTail(gamma[i..]);
                plain += weighted;
                along = Vector512.FusedMultiplyAdd(normal, weighted, along);
            }
            float meanPlain = Lanes.Sum(plain) / d, meanAlong = Lanes.Sum(along) / d;
            for (i = 0; i + Lanes.Count <= d; i += Lanes.Count)
            {
                Vector512<float> normal = (Lanes.Load(ref startX, i) - Vector512.Create(center)) * scale;
                Vector512<float> inner = Lanes.Load(ref startUp, i) * Lanes.Load(ref startGamma, i) - Vector512.Create(meanPlain);
                inner = Vector512.FusedMultiplyAdd(normal, Vector512.Create(-meanAlong), inner);
                Vector512.FusedMultiplyAdd(inner, Vector512.Create(scale), Lanes.Load(ref startTo, i)).StoreUnsafe(ref startTo, (nuint)i);
            }
            for (; i < d; i++)
            {
                float normal = (from[i] - center) * scale;
                to[i] = MathF.FusedMultiplyAdd(MathF.FusedMultiplyAdd(normal, -meanAlong, up[i] * gamma[i] - meanPlain), scale, to[i]);
            }
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values given = call["x"], x = given.HasMoreDigits ? Centered(given) : given, y = x.Like();
        Values gamma = call.Input("weight", x.Columns), beta = call.Input("bias", x.Columns);
        float[] mean = new float[x.Rows], r = new float[x.Rows];
        Forward(x, gamma, beta, (float)call.Number("epsilon", 1e-5), y, mean, r);
        if (call.Backward(y, out float[]? dy))
            Backward(x, gamma, mean, r, dy, call.Gradient("x"), call.Gradient("weight"), call.Gradient("bias"));
        return y;
    }

    // A shift of a row changes nothing; without its mean, a row keeps the digits that float32 would cut off.
    private static Values Centered(Values given)
    {
        double[] exact = [.. given.Exact];
        for (int row = 0; row < exact.Length; row += given.Columns)
        {
            double mean = exact.AsSpan(row, given.Columns).ToArray().Average();
            for (int i = row; i < row + given.Columns; i++)
                exact[i] -= mean;
        }
        return new Values(given.Shape, exact);
    }
}
