using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = γ·(x − μ)/√(σ² + ε) + β, μ and σ² a column's mean and variance over the rows that count.</summary>
/// <remarks>
/// x, y: [rows, d]; γ, β: [d]; mask: [rows] of 1 and 0 (padding), or empty. At inference μ and σ² are running averages. Rows that do not
/// count give 0. Ioffe and Szegedy 2015, algorithm 1.
/// </remarks>
public static class BatchNorm
{
    // What is known of so many columns stays in the first-level cache while their rows stream by.
    private const int ColumnsATime = 1024, RowsASum = 64;

    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "batch_norm",
        Group = "Normalization",
        Text = "y = γ·(x − μ)/√(σ² + ε) + β",
        Latex = @"y = \gamma\cdot\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta",
        Shapes = "x, y: [rows, d]; weight (γ), bias (β): [d]; mask: [rows] or none; running_mean, running_variance: [d] for training=false",
        Symbols = "μ, σ²: of a column over the rows that count",
        Source = "Ioffe and Szegedy 2015, Batch normalization, algorithm 1",
        Gradient = "dx += γ·r·(dy − mean(dy) − n·mean(n∘dy)), n = (x − μ)·r",
        Notes = "Rows that do not count give 0.",
        Example = "x[12,17] weight[17] bias[17] epsilon=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>μ and σ² of each column, in two passes so that a large mean costs no digits; returns how many rows count.</summary>
    public static int Statistics(ReadOnlySpan<float> x, ReadOnlySpan<float> mask, Span<float> mean, Span<double> variance)
    {
        Check.Rows("batch_norm", x.Length, mean.Length);
        int d = mean.Length, rows = x.Length / d, counted = 0;
        Check.SameLength("batch_norm", d, variance.Length);
        if (!mask.IsEmpty)
            Check.SameLength("batch_norm", rows, mask.Length);
        double[] sums = new double[d], squares = new double[d];
        for (int row = 0; row < rows; row++)
        {
            if (!mask.IsEmpty && mask[row] == 0)
                continue;
            counted++;
            for (int i = 0; i < d; i++)
                sums[i] += x[row * d + i];
        }
        Check.That(counted > 0, "batch_norm", $"at least one of {rows} rows must count");
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < d && (mask.IsEmpty || mask[row] != 0); i++)
            {
                double centered = x[row * d + i] - sums[i] / counted;
                squares[i] += centered * centered;
            }
        }
        for (int i = 0; i < d; i++)
            (mean[i], variance[i]) = ((float)(sums[i] / counted), squares[i] / counted);
        return counted;
    }

    /// <summary>running = (1 − momentum)·running + momentum·batch, the variance by rows − 1.</summary>
    public static void Update(ReadOnlySpan<float> mean, ReadOnlySpan<double> variance, int counted, float momentum, Span<float> runningMean,
        Span<float> runningVariance)
    {
        for (int i = 0; i < mean.Length; i++)
        {
            runningMean[i] += momentum * (mean[i] - runningMean[i]);
            runningVariance[i] += (float)(momentum * (variance[i] * counted / Math.Max(1, counted - 1) - runningVariance[i]));
        }
    }

    /// <summary>y = γ·(x − μ)·r + β with given statistics, r = 1/√(σ² + ε).</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, ReadOnlySpan<float> mean,
        ReadOnlySpan<double> variance, ReadOnlySpan<float> mask, float epsilon, Span<float> y)
    {
        int d = gamma.Length;
        Check.Rows("batch_norm", x.Length, d);
        Check.SameLength("batch_norm", x.Length, y.Length);
        CheckStatistics(d, mean, variance, mask, rows: x.Length / d);
        Check.SameLength("batch_norm", d, beta.Length);
        float[] scale = Scale(gamma, variance, epsilon);
        for (int first = 0; first < d; first += ColumnsATime)
        {
            int count = Math.Min(ColumnsATime, d - first);
            for (int row = 0; row < x.Length / d; row++)
            {
                Span<float> to = y.Slice(row * d + first, count);
                if (!mask.IsEmpty && mask[row] == 0)
                    to.Clear();
                else
                    Affine(x.Slice(row * d + first, count), mean.Slice(first, count), scale.AsSpan(first, count), beta.Slice(first, count),
                        to);
            }
        }
    }

    /// <summary>
    /// While training: dx += γ·r·(dy − mean(dy) − n·mean(n∘dy)), n = (x − μ)·r; at inference dx += γ·r·dy. dγ += Σ n∘dy, dβ += Σ dy.
    /// </summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> mean, ReadOnlySpan<double> variance,
        ReadOnlySpan<float> mask, float epsilon, bool training, ReadOnlySpan<float> dy, Span<float> dx, Span<float> dgamma,
            Span<float> dbeta)
    {
        int d = gamma.Length;
        Check.Rows("batch_norm", x.Length, d);
        int rows = x.Length / d, counted = mask.IsEmpty ? rows : rows - mask.Count(0f);
        Check.SameLength("batch_norm", x.Length, dy.Length);
        Check.SameLength("batch_norm", x.Length, dx.Length);
        CheckStatistics(d, mean, variance, mask, rows);
        Check.SameLength("batch_norm", d, dgamma.Length);
        Check.SameLength("batch_norm", d, dbeta.Length);
        float[] scale = Scale(gamma, variance, epsilon), shift = new float[ColumnsATime], slope = new float[ColumnsATime];
        for (int first = 0; first < d; first += ColumnsATime)
        {
            int count = Math.Min(ColumnsATime, d - first);
            ReadOnlySpan<float> middle = mean.Slice(first, count), factor = scale.AsSpan(first, count);
            (double[] plain, double[] along) = Sums(x, middle, mask, dy, d, first);
            bool isWide = false;
            // dx += γr·dy + c + b·(x − μ), c = −γr·mean(dy), b = −γr·r·mean(n∘dy).
            for (int i = 0; i < count; i++)
            {
                double r = 1 / Math.Sqrt(variance[first + i] + epsilon);
                isWide |= WideRows.Needs((float)r, (float)along[i]);
                dgamma[first + i] += (float)(along[i] * r);
                dbeta[first + i] += (float)plain[i];
                if (training)
                    (shift[i], slope[i]) = ((float)(-factor[i] * plain[i] / counted), (float)(-factor[i] * r * r * along[i] / counted));
            }
            if (isWide)
            {
                for (int i = first; i < first + count; i++)
                    AddWideColumn(x, mean[i], 1 / Math.Sqrt(variance[i] + epsilon), gamma[i], mask, counted, training, dy, d, i, dx);
                continue;
            }
            for (int row = 0; row < rows; row++)
            {
                if (mask.IsEmpty || mask[row] != 0)
                {
                    AddInput(x.Slice(row * d + first, count), middle, slope, dy.Slice(row * d + first, count), factor, shift,
                        dx.Slice(row * d + first, count));
                }
            }
        }
    }

    // Σ dy and Σ (x − μ)·dy of some columns over the rows that count.
    private static (double[] Plain, double[] Along) Sums(ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> mask,
        ReadOnlySpan<float> dy, int d, int first)
    {
        int count = mean.Length, rows = x.Length / d;
        double[] plain = new double[count], along = new double[count];
        float[] somePlain = new float[count], someAlong = new float[count];
        for (int row = 0; row < rows; row++)
        {
            if (mask.IsEmpty || mask[row] != 0)
                AddSums(x.Slice(row * d + first, count), mean, dy.Slice(row * d + first, count), somePlain, someAlong);
            // A column may have many rows: float sums of some of them go into sums in double.
            if (row % RowsASum == RowsASum - 1 || row == rows - 1)
            {
                Flush(somePlain, plain);
                Flush(someAlong, along);
            }
        }
        return (plain, along);
    }

    // One column in double: float32 does not hold the square of its scale.
    private static void AddWideColumn(ReadOnlySpan<float> x, double mean, double r, double gamma, ReadOnlySpan<float> mask, int counted,
        bool training, ReadOnlySpan<float> dy, int d, int column, Span<float> dx)
    {
        double plain = 0, along = 0;
        for (int row = 0; training && row < x.Length / d; row++)
        {
            if (!mask.IsEmpty && mask[row] == 0)
                continue;
            plain += (double)dy[row * d + column] / counted;
            along += (x[row * d + column] - mean) * r * dy[row * d + column] / counted;
        }
        for (int row = 0; row < x.Length / d; row++)
        {
            int at = row * d + column;
            if (mask.IsEmpty || mask[row] != 0)
                dx[at] += (float)(gamma * r * (dy[at] - plain - (x[at] - mean) * r * along));
        }
    }

    // y = (x − μ)·scale + β.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Affine(ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> scale, ReadOnlySpan<float> beta,
        Span<float> y)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startMean = ref MemoryMarshal.GetReference(mean);
        ref float startScale = ref MemoryMarshal.GetReference(scale), startBeta = ref MemoryMarshal.GetReference(beta);
        ref float startY = ref MemoryMarshal.GetReference(y);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> centered = Lanes.Load(ref startX, i) - Lanes.Load(ref startMean, i);
            Vector512.FusedMultiplyAdd(centered, Lanes.Load(ref startScale, i), Lanes.Load(ref startBeta, i)).StoreUnsafe(ref startY,
                (nuint)i);
        }
        for (; i < x.Length; i++)
            y[i] = MathF.FusedMultiplyAdd(x[i] - mean[i], scale[i], beta[i]);
    }

    // plain += dy, along += (x − μ)·dy.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSums(ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> dy, Span<float> plain,
        Span<float> along)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startMean = ref MemoryMarshal.GetReference(mean);
        ref float startUp = ref MemoryMarshal.GetReference(dy), startPlain = ref MemoryMarshal.GetReference(plain);
        ref float startAlong = ref MemoryMarshal.GetReference(along);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> up = Lanes.Load(ref startUp, i), centered = Lanes.Load(ref startX, i) - Lanes.Load(ref startMean, i);
            (up + Lanes.Load(ref startPlain, i)).StoreUnsafe(ref startPlain, (nuint)i);
            Vector512.FusedMultiplyAdd(centered, up, Lanes.Load(ref startAlong, i)).StoreUnsafe(ref startAlong, (nuint)i);
        }
        for (; i < x.Length; i++)
            (plain[i], along[i]) = (plain[i] + dy[i], MathF.FusedMultiplyAdd(x[i] - mean[i], dy[i], along[i]));
    }

    // dx += scale·dy + shift + slope·(x − μ).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddInput(ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> slope, ReadOnlySpan<float> dy,
        ReadOnlySpan<float> scale, ReadOnlySpan<float> shift, Span<float> dx)
    {
        ref float startX = ref MemoryMarshal.GetReference(x), startMean = ref MemoryMarshal.GetReference(mean);
        ref float startSlope = ref MemoryMarshal.GetReference(slope), startUp = ref MemoryMarshal.GetReference(dy);
        ref float startScale = ref MemoryMarshal.GetReference(scale), startShift = ref MemoryMarshal.GetReference(shift);
        ref float startTo = ref MemoryMarshal.GetReference(dx);
        int i = 0;
        for (; i + Lanes.Count <= x.Length; i += Lanes.Count)
        {
            Vector512<float> centered = Lanes.Load(ref startX, i) - Lanes.Load(ref startMean, i);
            Vector512<float> inner = Vector512.FusedMultiplyAdd(centered, Lanes.Load(ref startSlope, i), Lanes.Load(ref startShift, i));
            inner = Vector512.FusedMultiplyAdd(Lanes.Load(ref startUp, i), Lanes.Load(ref startScale, i), inner);
            (inner + Lanes.Load(ref startTo, i)).StoreUnsafe(ref startTo, (nuint)i);
        }
        for (; i < x.Length; i++)
        {
            float inner = MathF.FusedMultiplyAdd(x[i] - mean[i], slope[i], shift[i]);
            dx[i] += MathF.FusedMultiplyAdd(dy[i], scale[i], inner);
        }
    }

    private static void Flush(Span<float> some, Span<double> all)
    {
        for (int i = 0; i < some.Length; i++)
            all[i] += some[i];
        some.Clear();
    }

    private static void CheckStatistics(int d, ReadOnlySpan<float> mean, ReadOnlySpan<double> variance, ReadOnlySpan<float> mask, int rows)
    {
        Check.SameLength("batch_norm", d, mean.Length);
        Check.SameLength("batch_norm", d, variance.Length);
        if (!mask.IsEmpty)
            Check.SameLength("batch_norm", rows, mask.Length);
    }

    private static float[] Scale(ReadOnlySpan<float> gamma, ReadOnlySpan<double> variance, float epsilon)
    {
        Check.SameLength("batch_norm", gamma.Length, variance.Length);
        float[] scale = new float[gamma.Length];
        for (int i = 0; i < scale.Length; i++)
            scale[i] = (float)(gamma[i] / Math.Sqrt(variance[i] + epsilon));
        return scale;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call.Input("x", -1, -1), gamma = call.Input("weight", x.Columns), beta = call.Input("bias", x.Columns), y = x.Like();
        bool training = call.Flag("training", true);
        float epsilon = (float)call.Number("epsilon", 1e-5);
        ReadOnlySpan<float> mask = call.Has("mask") ? call.Input("mask", x.Rows) : default(ReadOnlySpan<float>);
        Values mean = training ? new(x.Columns) : call.Input("running_mean", x.Columns);
        double[] variance = training ? new double[x.Columns] : call.Input("running_variance", x.Columns).Exact;
        if (training)
            Statistics(x, mask, mean, variance);
        Forward(x, gamma, beta, mean, variance, mask, epsilon, y);
        if (call.Backward(y, out float[]? dy))
            Backward(x, gamma, mean, variance, mask, epsilon, training, dy, call.Gradient("x"), call.Gradient("weight"),
                call.Gradient("bias"));
        return y;
    }
}
