using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>l = −(1 − ε)·w_t·ln p_t − (ε/V)·Σ w_c·ln p_c with p = softmax(z), a row; the mean divides by Σ w_t.</summary>
/// <remarks>
/// <see cref="CrossEntropy"/> with label smoothing ε and weights w of the classes. z: [rows, V]; t: [rows], −100 to leave a row out. When
/// every row is left out the loss is 0. Szegedy et al. 2015, section 7, for ε.
/// </remarks>
public static class WeightedCrossEntropy
{
    /// <summary>The sum of the losses and the sum of the weights that divides it, 0 when no row counts.</summary>
    public static (double Sum, double Weight) Forward(ReadOnlySpan<float> z, ReadOnlySpan<int> targets, int classes, double smoothing,
        ReadOnlySpan<float> weights, int ignore)
    {
        CheckInput(z, targets, classes, smoothing, weights);
        double sum = 0, total = 0, all = Total(weights, classes);
        for (int row = 0; row < targets.Length; row++)
        {
            int target = targets[row];
            if (target == ignore)
                continue;
            Check.Target("cross_entropy", target, row, classes);
            ReadOnlySpan<float> line = z.Slice(row * classes, classes);
            float largest = Lanes.Max(line);
            // Relative to the largest logit, so that no digits are lost to its size.
            double log = LogSumExp(line, largest), weight = weights.IsEmpty ? 1 : weights[target];
            sum += (1 - smoothing) * weight * (log - ((double)line[target] - largest));
            if (smoothing > 0)
                sum += smoothing / classes * (all * log - Along(line, largest, weights));
            total += weight;
        }
        return (sum, total);
    }

    /// <summary>dz_c += (p_c·((1 − ε)w_t + (ε/V)Σw) − (1 − ε)w_t·1_t − (ε/V)w_c)·scale, 0 for rows left out.</summary>
    public static void Backward(ReadOnlySpan<float> z, ReadOnlySpan<int> targets, int classes, double smoothing,
        ReadOnlySpan<float> weights,
        int ignore, double scale, Span<float> dz)
    {
        CheckInput(z, targets, classes, smoothing, weights);
        Check.SameLength("cross_entropy", z.Length, dz.Length);
        double all = Total(weights, classes);
        float[] p = new float[classes];
        for (int row = 0; row < targets.Length; row++)
        {
            int target = targets[row];
            if (target == ignore)
                continue;
            Check.Target("cross_entropy", target, row, classes);
            Span<float> to = dz.Slice(row * classes, classes);
            Softmax.Forward(z.Slice(row * classes, classes), classes, 1, p);
            double hit = (1 - smoothing) * (weights.IsEmpty ? 1 : weights[target]);
            // p_t − 1 keeps its digits when p_t is near 1: it is minus the sum of the others.
            double own = p[target], smoothed = smoothing / classes * all, factor = smoothed + hit;
            p[target] = 0;
            p[target] = factor == 0 ? 0 : (float)((own * smoothed - Lanes.WideSum(p) * hit) / factor);
            Lanes.AddScaled(p, (float)(scale * factor), to);
            if (smoothing > 0 && weights.IsEmpty)
                TensorPrimitives.Subtract(to, (float)(scale * smoothing / classes), to);
            // In double: a weight may be too small for its reciprocal to be a float32.
            for (int c = 0; c < weights.Length && smoothing > 0; c++)
                to[c] -= (float)(scale * smoothing / classes * weights[c]);
        }
    }

    internal static Values Evaluate(FormulaCall call)
    {
        Values z = call["logits"];
        int[] targets = call.Integers("target");
        int ignore = call.Whole("ignore_index", CrossEntropy.Ignore);
        double smoothing = call.Number("label_smoothing", 0);
        ReadOnlySpan<float> weights = call.Has("class_weights") ? call.Input("class_weights", z.Columns) : default(ReadOnlySpan<float>);
        (double sum, double weight) = Forward(z, targets, z.Columns, smoothing, weights, ignore);
        bool mean = call.Word("reduction", "mean") == "mean";
        Values y = Values.Scalar(weight == 0 ? 0 : mean ? sum / weight : sum);
        if (call.Backward(y, out float[]? dy) && weight != 0)
            Backward(z, targets, z.Columns, smoothing, weights, ignore, mean ? dy[0] / weight : dy[0], call.Gradient("logits"));
        else if (dy is not null)
            call.Gradient("logits");
        return y;
    }

    // ln Σ e^(z − largest), added in double: what is left of 1 keeps its digits.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double LogSumExp(ReadOnlySpan<float> line, float largest)
    {
        ref float start = ref MemoryMarshal.GetReference(line);
        Vector512<float> shift = Vector512.Create(largest);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= line.Length; i += Lanes.Count)
            sum += Lanes.Wide(VectorMath.Exp(Lanes.Load(ref start, i) - shift));
        if (i < line.Length)
            sum += Lanes.Wide(Lanes.Keep(VectorMath.Exp(Lanes.LoadTail(line[i..]) - shift), line.Length - i));
        return Math.Log(Lanes.Sum(sum));
    }

    // Σ w·(z − largest) in double; no weights are ones.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Along(ReadOnlySpan<float> line, float largest, ReadOnlySpan<float> weights)
    {
        ref float start = ref MemoryMarshal.GetReference(line), startWeights = ref MemoryMarshal.GetReference(weights);
        Vector512<float> shift = Vector512.Create(largest), weight = Vector512.Create(1f);
        Vector512<double> sum = default;
        int i = 0;
        for (; i + Lanes.Count <= line.Length; i += Lanes.Count)
        {
            if (!weights.IsEmpty)
                weight = Lanes.Load(ref startWeights, i);
            sum += Products(Lanes.Load(ref start, i), shift, weight);
        }
        if (i < line.Length)
            sum += Products(Lanes.LoadTail(line[i..], largest), shift, weights.IsEmpty ? weight : Lanes.LoadTail(weights[i..]));
        return Lanes.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Products(Vector512<float> z, Vector512<float> shift, Vector512<float> weight)
    {
        (Vector512<double> lower, Vector512<double> upper) = Margins.Difference(z, shift);
        (Vector512<double> lowerWeight, Vector512<double> upperWeight) = Vector512.Widen(weight);
        return lower * lowerWeight + upper * upperWeight;
    }

    private static double Total(ReadOnlySpan<float> weights, int classes) => weights.IsEmpty ? classes : Lanes.WideSum(weights);

    private static void CheckInput(ReadOnlySpan<float> z, ReadOnlySpan<int> targets, int classes, double smoothing,
        ReadOnlySpan<float> weights)
    {
        Check.Rows("cross_entropy", z.Length, classes);
        Check.SameLength("cross_entropy", z.Length / classes, targets.Length);
        Check.That(smoothing is >= 0 and <= 1, "cross_entropy", $"the label smoothing must lie in [0, 1], but it is {smoothing}");
        if (!weights.IsEmpty)
            Check.SameLength("cross_entropy", classes, weights.Length);
    }
}
