using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>l = −ln softmax(z)_t = ln Σ e^z − z_t, a row.</summary>
/// <remarks>z: [rows, V]; t: [rows], −100 to leave a row out (its loss and gradient are 0). The maximum is subtracted first.</remarks>
public static class CrossEntropy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "cross_entropy",
        Group = "Losses",
        Text = "L = −(1/n)·Σ ln softmax(z)_t",
        Latex = @"L = -\frac{1}{n}\sum_{i=1}^{n}\ln p_i(t_i)\qquad p_i = \mathrm{softmax}(z_i)",
        Shapes = "logits (z): [n, V]; target (t): [n]; class_weights: [V] or none; L: []",
        Symbols = "label_smoothing ε, ignore_index −100, reduction mean or sum; L in nats; a target outside [0, V) is an error",
        Source = "Shannon 1948; Szegedy et al. 2015, section 7, for label smoothing",
        Gradient = "dz += (softmax(z) − 1_t)/n·dL",
        Notes = "All rows ignored give 0, not NaN. With weights the mean divides by the sum of the weights of the targets.",
        Example = "logits[11,17]*3 target[11]%17 label_smoothing=0.1 class_weights[17]+",
        Evaluate = WeightedCrossEntropy.Evaluate,
    };

    /// <summary>The target of a row that does not count.</summary>
    public const int Ignore = -100;

    /// <summary>The loss of each row and L = ln Σ e^z, kept for the backward.</summary>
    /// <remarks>With terms l = −(1 − ε)·ln p_t − ε·mean(ln p) + ζ·L²: label smoothing, Szegedy et al. 2015, and z-loss, de Brébisson and Vincent 2016.</remarks>
    public static void Forward(ReadOnlySpan<float> logits, ReadOnlySpan<int> targets, Span<float> losses, Span<float> logSumExp, TokenLossTerms terms = default)
    {
        if (targets.IsEmpty)
            return;
        int width = logits.Length / targets.Length;
        Check.Rows("cross_entropy", logits.Length, width);
        Check.SameLength("cross_entropy", targets.Length, losses.Length);
        Check.SameLength("cross_entropy", targets.Length, logSumExp.Length);
        for (int row = 0; row < targets.Length; row++)
        {
            if (targets[row] == Ignore)
            {
                (losses[row], logSumExp[row]) = (0, 0);
                continue;
            }
            Check.Target("cross_entropy", targets[row], row, width);
            ReadOnlySpan<float> z = logits.Slice(row * width, width);
            logSumExp[row] = LogSumExp(z);
            losses[row] = logSumExp[row] - z[targets[row]];
            if (terms.LabelSmoothing > 0)
                losses[row] += (float)(terms.LabelSmoothing * (z[targets[row]] - Lanes.WideSum(z) / width));
            if (terms.LogSumWeight > 0)
                losses[row] += (float)(terms.LogSumWeight * logSumExp[row] * logSumExp[row]);
        }
    }

    /// <summary>z becomes dz = ((1 + 2ζL)·softmax(z) − (1 − ε)·1_t − ε/V)·dl in place, 0 for rows left out; without terms (softmax(z) − 1_t)·dl.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(Span<float> logits, ReadOnlySpan<int> targets, ReadOnlySpan<float> logSumExp, ReadOnlySpan<float> dlosses,
        TokenLossTerms terms = default)
    {
        if (targets.IsEmpty)
            return;
        int width = logits.Length / targets.Length;
        Check.Rows("cross_entropy", logits.Length, width);
        Check.SameLength("cross_entropy", targets.Length, logSumExp.Length);
        Check.SameLength("cross_entropy", targets.Length, dlosses.Length);
        for (int row = 0; row < targets.Length; row++)
        {
            Span<float> z = logits.Slice(row * width, width);
            if (targets[row] == Ignore)
            {
                z.Clear();
                continue;
            }
            ref float start = ref MemoryMarshal.GetReference(z);
            Vector512<float> shift = Vector512.Create(-logSumExp[row]), less = Vector512.Create((float)(-terms.LabelSmoothing / width * dlosses[row]));
            Vector512<float> scale = Vector512.Create((float)((1 + 2 * terms.LogSumWeight * logSumExp[row]) * dlosses[row]));
            int i = 0;
            for (; i + Lanes.Count <= width; i += Lanes.Count)
                Vector512.FusedMultiplyAdd(VectorMath.Exp(Lanes.Load(ref start, i) + shift), scale, less).StoreUnsafe(ref start, (nuint)i);
            if (i < width)
                Lanes.StoreTail(Vector512.FusedMultiplyAdd(VectorMath.Exp(Lanes.LoadTail(z[i..]) + shift), scale, less), z[i..]);
            z[targets[row]] -= (float)((1 - terms.LabelSmoothing) * dlosses[row]);
        }
    }

    /// <summary>ln Σ e^z, with the maximum subtracted.</summary>
    public static float LogSumExp(ReadOnlySpan<float> z)
    {
        float largest = Lanes.Max(z);
        return float.IsInfinity(largest) || float.IsNaN(largest) ? largest : largest + LogSumExp(z, largest, 1);
    }

    /// <summary>ln Σ e^((z − largest)·scale).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float LogSumExp(ReadOnlySpan<float> z, float largest, float scale)
    {
        ref float start = ref MemoryMarshal.GetReference(z);
        Vector512<float> shift = Vector512.Create(largest), factor = Vector512.Create(scale), sum = default, more = default;
        int i = 0;
        for (; i + 2 * Lanes.Count <= z.Length; i += 2 * Lanes.Count)
        {
            sum += VectorMath.Exp((Lanes.Load(ref start, i) - shift) * factor);
            more += VectorMath.Exp((Lanes.Load(ref start, i + Lanes.Count) - shift) * factor);
        }
        if (i + Lanes.Count <= z.Length)
        {
            sum += VectorMath.Exp((Lanes.Load(ref start, i) - shift) * factor);
            i += Lanes.Count;
        }
        if (i < z.Length)
            more += VectorMath.Exp((Lanes.LoadTail(z[i..], float.NegativeInfinity) - shift) * factor);
        return (float)Math.Log(Lanes.Sum(sum + more));
    }
}
