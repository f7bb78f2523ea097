using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = γ·(x − μ)·r + β, with r = 1/√(σ² + ε).</summary>
/// <remarks>
/// x, y: [rows, d]; γ, β: [d]; μ, r: [rows], kept for the backward. σ² is the mean of (x − μ)², taken in a second pass, so that a large
/// mean costs no digits. Ba, Kiros and Hinton 2016, eq. 4.
/// </remarks>
public static class LayerNorm
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "layer_norm",
        Group = "Normalization",
        Text = "y = γ·(x − μ)/√(σ² + ε) + β",
        Latex = @"y = \gamma\cdot\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta",
        Shapes = "x, y: [rows, d]; weight (γ), bias (β): [d]",
        Symbols = "μ, σ²: mean and variance of a row, over d",
        Source = "Ba, Kiros and Hinton 2016, Layer normalization, eq. 4",
        Gradient = "dx += r·(γ∘dy − mean(γ∘dy) − n·mean(n∘γ∘dy)), n = (x − μ)·r",
        Notes = "A second pass keeps the digits of a row with a large mean.",
        Example = "x[5,33] weight[33] bias[33] epsilon=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>y = γ·(x − μ)·r + β.</summary>
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
            // One pass gives both moments around a center near the mean. The mean of a quarter is near enough: its square distance from
            // the row's mean is at most three times the variance, whatever the row. The mean of what is left corrects it.
            int some = d < 256 ? d : d / 64 * Lanes.Count;
            float center = Lanes.Sum(from[..some]) / some;
            (float left, float squares) = Moments(from, center);
            float correction = left / d, variance = MathF.Max(0, squares / d - correction * correction);
            (mean[row], r[row]) = (center + correction, 1 / MathF.Sqrt(variance + epsilon));
            if (WideRows.Needs(variance + epsilon) || !float.IsFinite(squares))
                (mean[row], r[row]) = WideRows.Normalize(from, gamma, beta, epsilon, y.Slice(row * d, d));
            else
                Normalize(from, center, correction, r[row], gamma, beta, y.Slice(row * d, d));
        }
    }

    /// <summary>dx += r·(γ∘dy − mean(γ∘dy) − n·mean(n∘γ∘dy)), n = (x − μ)·r;  dγ += Σ rows n∘dy;  dβ += Σ rows dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> mean, ReadOnlySpan<float> r,
        ReadOnlySpan<float> dy, Span<float> dx, Span<float> dgamma, Span<float> dbeta)
    {
        BackwardInput(x, gamma, mean, r, dy, dx);
        Check.SameLength("layer_norm", gamma.Length, dgamma.Length);
        Check.SameLength("layer_norm", gamma.Length, dbeta.Length);
        NormGains.Add(x, mean, r, dy, dgamma, dbeta);
    }

    /// <summary>dx alone; dγ and dβ are sums over rows, which threads share by columns.</summary>
    internal static void BackwardInput(ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> mean, ReadOnlySpan<float> r,
        ReadOnlySpan<float> dy, Span<float> dx)
    {
        Check.Rows("layer_norm", x.Length, gamma.Length);
        Check.SameLength("layer_norm", x.Length, dy.Length);
        Check.SameLength("layer_norm", x.Length, dx.Length);
        Check.SameLength("layer_norm", x.Length / gamma.Length, r.Length);
        Check.SameLength("layer_norm", r.Length, mean.Length);
        int d = gamma.Length;
        for (int row = 0; row < r.Length; row++)
        {
            ReadOnlySpan<float> from = x.Slice(row * d, d), up = dy.Slice(row * d, d);
            Span<float> to = dx.Slice(row * d, d);
            (float plain, float along) = Sums(from, mean[row], r[row], gamma, up);
            if (WideRows.Needs(r[row], plain + along))
                WideRows.AddCentered(from, mean[row], r[row], gamma, up, to);
            else
                AddInput(from, mean[row], r[row], gamma, up, plain / d, along / d, to);
        }
    }

    // Σ (x − c) and Σ (x − c)².
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Sum, float Squares) Moments(ReadOnlySpan<float> x, float center)
    {
        ref float start = ref MemoryMarshal.GetReference(x);
        Vector512<float> middle = Vector512.Create(center), sum = default, squares = default;
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> centered = Lanes.Load(ref start, i) - middle;
            sum += centered;
            squares = Vector512.FusedMultiplyAdd(centered, centered, squares);
        }
        if (i < x.Length)
        {
            Vector512<float> centered = Lanes.LoadTail(x[i..], center) - middle;
            sum += centered;
            squares = Vector512.FusedMultiplyAdd(centered, centered, squares);
        }
        return (Lanes.Sum(sum), Lanes.Sum(squares));
    }

    // y = γ·(x − c − correction)·r + β.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Normalize(ReadOnlySpan<float> x, float center, float correction, float r, ReadOnlySpan<float> gamma,
        ReadOnlySpan<float> beta, Span<float> y)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startY = ref MemoryMarshal.GetReference(y);
        ref float startGamma = ref MemoryMarshal.GetReference(gamma), startBeta = ref MemoryMarshal.GetReference(beta);
        Vector512<float> middle = Vector512.Create(center), rest = Vector512.Create(correction);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> normal = (Lanes.Load(ref startX, i) - middle - rest) * r;
            Vector512.FusedMultiplyAdd(normal, Lanes.Load(ref startGamma, i), Lanes.Load(ref startBeta, i)).StoreUnsafe(ref startY,
                (nuint)i);
        }
        if (i < x.Length)
        {
            Vector512<float> normal = (Lanes.LoadTail(x[i..]) - middle - rest) * r;
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(normal, Lanes.LoadTail(gamma[i..]), Lanes.LoadTail(beta[i..])), y[i..]);
        }
    }

    // Σ γ∘dy and Σ n∘γ∘dy.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Plain, float Along) Sums(ReadOnlySpan<float> x, float mean, float r, ReadOnlySpan<float> gamma, ReadOnlySpan<float> dy)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startUp = ref MemoryMarshal.GetReference(dy);
        ref float startGamma = ref MemoryMarshal.GetReference(gamma);
        Vector512<float> middle = Vector512.Create(mean), plain = default, along = default;
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> weighted = Lanes.Load(ref startUp, i) * Lanes.Load(ref startGamma, i);
            plain += weighted;
            along = Vector512.FusedMultiplyAdd((Lanes.Load(ref startX, i) - middle) * r, weighted, along);
        }
        if (i < x.Length)
        {
            Vector512<float> weighted = Lanes.LoadTail(dy[i..]) * Lanes.LoadTail(gamma[i..]);
            plain += weighted;
            along = Vector512.FusedMultiplyAdd((Lanes.LoadTail(x[i..], mean) - middle) * r, weighted, along);
        }
        return (Lanes.Sum(plain), Lanes.Sum(along));
    }

    // dx += r·(γ∘dy − plain − n·along).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddInput(ReadOnlySpan<float> x, float mean, float r, ReadOnlySpan<float> gamma, ReadOnlySpan<float> dy,
        float plain, float along, Span<float> dx)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startUp = ref MemoryMarshal.GetReference(dy);
        ref float startGamma = ref MemoryMarshal.GetReference(gamma), startTo = ref MemoryMarshal.GetReference(dx);
        Vector512<float> middle = Vector512.Create(mean), scale = Vector512.Create(r), back = Vector512.Create(-along);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> normal = (Lanes.Load(ref startX, i) - middle) * scale;
            Vector512<float> inner = Lanes.Load(ref startUp, i) * Lanes.Load(ref startGamma, i) - Vector512.Create(plain);
            inner = Vector512.FusedMultiplyAdd(normal, back, inner);
            Vector512.FusedMultiplyAdd(inner, scale, Lanes.Load(ref startTo, i)).StoreUnsafe(ref startTo, (nuint)i);
        }
        if (i < x.Length)
        {
            Vector512<float> normal = (Lanes.LoadTail(x[i..]) - middle) * scale;
            Vector512<float> inner = Lanes.LoadTail(dy[i..]) * Lanes.LoadTail(gamma[i..]) - Vector512.Create(plain);
            inner = Vector512.FusedMultiplyAdd(normal, back, inner);
            Lanes.StoreTail(Vector512.FusedMultiplyAdd(inner, scale, Lanes.LoadTail(dx[i..])), dx[i..]);
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
