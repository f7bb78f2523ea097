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
        Check.Rows("layer_norm", x.Length, gamma.Length);
        Check.SameLength("layer_norm", x.Length, dy.Length);
        Check.SameLength("layer_norm", x.Length, dx.Length);
        Check.SameLength("layer_norm", gamma.Length, dgamma.Length);
        Check.SameLength("layer_norm", gamma.Length, dbeta.Length);
        Check.SameLength("layer_norm", x.Length / gamma.Length, r.Length);
        Check.SameLength("layer_norm", r.Length, mean.Length);
        int d = gamma.Length;
        Span<float> plain = stackalloc float[Lanes.RowsATime], along = stackalloc float[Lanes.RowsATime];
        for (int row = 0; row < r.Length; row += Lanes.RowsATime)
        {
            int rows = Math.Min(Lanes.RowsATime, r.Length - row);
            ReadOnlySpan<float> from = x.Slice(row * d, rows * d), up = dy.Slice(row * d, rows * d);
            if (rows == Lanes.RowsATime)
                AddParameters(from, mean.Slice(row, rows), r.Slice(row, rows), gamma, up, dgamma, dbeta, plain, along);
            else
            {
                for (int i = 0; i < rows; i++)
                    (plain[i], along[i]) = AddParameters(from.Slice(i * d, d), mean[row + i], r[row + i], gamma, up.Slice(i * d, d),
                        dgamma, dbeta);
            }
            for (int i = 0; i < rows; i++)
            {
                ReadOnlySpan<float> one = from.Slice(i * d, d), upOfOne = up.Slice(i * d, d);
                Span<float> to = dx.Slice((row + i) * d, d);
                if (WideRows.Needs(r[row + i], plain[i] + along[i]))
                    WideRows.AddCentered(one, mean[row + i], r[row + i], gamma, upOfOne, to);
                else
                    AddInput(one, mean[row + i], r[row + i], gamma, upOfOne, plain[i] / d, along[i] / d, to);
            }
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

    // The same for four rows at a time, in their order: γ and the sums dγ and dβ are read and written once for all four.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddParameters(ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> r, ReadOnlySpan<float> gamma,
        ReadOnlySpan<float> dy, Span<float> dgamma, Span<float> dbeta, Span<float> plain, Span<float> along)
    {
        int d = gamma.Length, i = 0;
        ref float x0 = ref MemoryMarshal.GetReference(x), x1 = ref Unsafe.Add(ref x0, d), x2 = ref Unsafe.Add(ref x1, d),
            x3 = ref Unsafe.Add(ref x2, d);
        ref float up0 = ref MemoryMarshal.GetReference(dy), up1 = ref Unsafe.Add(ref up0, d), up2 = ref Unsafe.Add(ref up1, d),
            up3 = ref Unsafe.Add(ref up2, d);
        ref float startGamma = ref MemoryMarshal.GetReference(gamma);
        ref float startDgamma = ref MemoryMarshal.GetReference(dgamma), startDbeta = ref MemoryMarshal.GetReference(dbeta);
        Vector512<float> plain0 = default, plain1 = default, plain2 = default, plain3 = default;
        Vector512<float> along0 = default, along1 = default, along2 = default, along3 = default;
        float m0 = mean[0], m1 = mean[1], m2 = mean[2], m3 = mean[3], r0 = r[0], r1 = r[1], r2 = r[2], r3 = r[3];
        for (; i + Lanes.Count <= d; i += Lanes.Count)
        {
            Vector512<float> g = Lanes.Load(ref startGamma, i), dg = Lanes.Load(ref startDgamma, i), db = Lanes.Load(ref startDbeta, i);
            Add(Lanes.Load(ref x0, i), m0, r0, g, Lanes.Load(ref up0, i), ref dg, ref db, ref plain0, ref along0);
            Add(Lanes.Load(ref x1, i), m1, r1, g, Lanes.Load(ref up1, i), ref dg, ref db, ref plain1, ref along1);
            Add(Lanes.Load(ref x2, i), m2, r2, g, Lanes.Load(ref up2, i), ref dg, ref db, ref plain2, ref along2);
            Add(Lanes.Load(ref x3, i), m3, r3, g, Lanes.Load(ref up3, i), ref dg, ref db, ref plain3, ref along3);
            dg.StoreUnsafe(ref startDgamma, (nuint)i);
            db.StoreUnsafe(ref startDbeta, (nuint)i);
        }
        if (i < d)
        {
            int rest = d - i;
            Vector512<float> g = Lanes.LoadTail(gamma[i..]), dg = Lanes.LoadTail(dgamma[i..]), db = Lanes.LoadTail(dbeta[i..]);
            Add(Lanes.LoadTail(x.Slice(i, rest), m0), m0, r0, g, Lanes.LoadTail(dy.Slice(i, rest)), ref dg, ref db, ref plain0, ref along0);
            Add(Lanes.LoadTail(x.Slice(d + i, rest), m1), m1, r1, g, Lanes.LoadTail(dy.Slice(d + i, rest)), ref dg, ref db, ref plain1,
                ref along1);
            Add(Lanes.LoadTail(x.Slice(2 * d + i, rest), m2), m2, r2, g, Lanes.LoadTail(dy.Slice(2 * d + i, rest)), ref dg, ref db,
                ref plain2, ref along2);
            Add(Lanes.LoadTail(x.Slice(3 * d + i, rest), m3), m3, r3, g, Lanes.LoadTail(dy.Slice(3 * d + i, rest)), ref dg, ref db,
                ref plain3, ref along3);
            Lanes.StoreTail(dg, dgamma[i..]);
            Lanes.StoreTail(db, dbeta[i..]);
        }
        (plain[0], plain[1], plain[2], plain[3]) = (Lanes.Sum(plain0), Lanes.Sum(plain1), Lanes.Sum(plain2), Lanes.Sum(plain3));
        (along[0], along[1], along[2], along[3]) = (Lanes.Sum(along0), Lanes.Sum(along1), Lanes.Sum(along2), Lanes.Sum(along3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector512<float> x, float mean, float r, Vector512<float> gamma, Vector512<float> up,
        ref Vector512<float> dgamma,
        ref Vector512<float> dbeta, ref Vector512<float> plain, ref Vector512<float> along)
    {
        Vector512<float> normal = (x - Vector512.Create(mean)) * r, weighted = up * gamma;
        dgamma = Vector512.FusedMultiplyAdd(normal, up, dgamma);
        dbeta += up;
        plain += weighted;
        along = Vector512.FusedMultiplyAdd(normal, weighted, along);
    }

    // dγ += n∘dy, dβ += dy; gives Σ γ∘dy and Σ n∘γ∘dy.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Plain, float Along) AddParameters(ReadOnlySpan<float> x, float mean, float r, ReadOnlySpan<float> gamma,
        ReadOnlySpan<float> dy, Span<float> dgamma, Span<float> dbeta)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startUp = ref MemoryMarshal.GetReference(dy);
        ref float startGamma = ref MemoryMarshal.GetReference(gamma);
        ref float startDgamma = ref MemoryMarshal.GetReference(dgamma), startDbeta = ref MemoryMarshal.GetReference(dbeta);
        Vector512<float> plain = default, along = default;
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> dg = Lanes.Load(ref startDgamma, i), db = Lanes.Load(ref startDbeta, i);
            Add(Lanes.Load(ref startX, i), mean, r, Lanes.Load(ref startGamma, i), Lanes.Load(ref startUp, i), ref dg, ref db, ref plain,
                ref along);
            dg.StoreUnsafe(ref startDgamma, (nuint)i);
            db.StoreUnsafe(ref startDbeta, (nuint)i);
        }
        if (i < x.Length)
        {
            Vector512<float> dg = Lanes.LoadTail(dgamma[i..]), db = Lanes.LoadTail(dbeta[i..]);
            Add(Lanes.LoadTail(x[i..], mean), mean, r, Lanes.LoadTail(gamma[i..]), Lanes.LoadTail(dy[i..]), ref dg, ref db, ref plain,
                ref along);
            Lanes.StoreTail(dg, dgamma[i..]);
            Lanes.StoreTail(db, dbeta[i..]);
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
