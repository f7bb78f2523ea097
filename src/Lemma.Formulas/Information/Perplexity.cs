namespace Lemma.Formulas;

/// <summary>PPL = e^(−(1/n)·Σ ln softmax(z)_t).</summary>
/// <remarks>z: [n, V]; t: [n], −100 to leave a row out; between 1 and, for a model that knows nothing, V. Jelinek et al. 1977.</remarks>
public static class Perplexity
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "perplexity",
        Group = "Information",
        Text = "PPL = e^(−(1/n)·Σ ln p_t)",
        Latex = @"\mathrm{PPL} = \exp\left(-\frac{1}{n}\sum_{t=1}^{n}\ln p_t\right)",
        Shapes = "logits: [n, V]; target: [n]; PPL: []",
        Symbols = "without unit: how many equally likely ids the model hesitates between",
        Source = "Jelinek et al. 1977, Perplexity: a measure of the difficulty of speech recognition tasks",
        Gradient = "dz += PPL·(softmax(z) − 1_t)/n·dPPL",
        Notes = "V for uniform predictions, 1 for certain and right ones.",
        Example = "logits[11,17] target[11]%17",
        Evaluate = Evaluate,
    };

    /// <summary>PPL of logits.</summary>
    public static double Forward(ReadOnlySpan<float> logits, ReadOnlySpan<int> targets, int classes)
    {
        (double sum, double count) = WeightedCrossEntropy.Forward(logits, targets, classes, 0, default, CrossEntropy.Ignore);
        return count == 0 ? 1 : Math.Exp(sum / count);
    }

    /// <summary>dz += PPL·(softmax(z) − 1_t)/n·dPPL.</summary>
    public static void Backward(ReadOnlySpan<float> logits, ReadOnlySpan<int> targets, int classes, double dy, Span<float> dlogits)
    {
        (double sum, double count) = WeightedCrossEntropy.Forward(logits, targets, classes, 0, default, CrossEntropy.Ignore);
        if (count > 0)
            WeightedCrossEntropy.Backward(logits, targets, classes, 0, default, CrossEntropy.Ignore, dy * Math.Exp(sum / count) / count,
                dlogits);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logits = call["logits"];
        int[] targets = call.Integers("target");
        Values y = Values.Scalar(Forward(logits, targets, logits.Columns));
        if (call.Backward(y, out float[]? dy))
            Backward(logits, targets, logits.Columns, dy[0], call.Gradient("logits"));
        return y;
    }
}
