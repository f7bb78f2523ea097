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
            {
                double along = 0;
                for (int c = 0; c < classes; c++)
                    along += (weights.IsEmpty ? 1.0 : weights[c]) * ((double)line[c] - largest);
                sum += smoothing / classes * (all * log - along);
            }
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
            double others = 0;
            for (int c = 0; c < classes; c++)
                others += c == target ? 0 : p[c];
            for (int c = 0; c < classes; c++)
            {
                double slope = p[c] * (smoothing / classes * all) - smoothing / classes * (weights.IsEmpty ? 1 : weights[c]);
                to[c] += (float)(scale * (slope + hit * (c == target ? -others : p[c])));
            }
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

    private static double LogSumExp(ReadOnlySpan<float> line, float largest)
    {
        double sum = 0;
        foreach (float value in line)
            sum += Math.Exp((double)value - largest);
        return Math.Log(sum);
    }

    private static double Total(ReadOnlySpan<float> weights, int classes)
    {
        double sum = 0;
        foreach (float weight in weights)
            sum += weight;
        return weights.IsEmpty ? classes : sum;
    }

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
