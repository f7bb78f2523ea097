namespace Lemma.Formulas;

/// <summary>L = (1/N)·Σ (y − ŷ)².</summary>
/// <remarks>prediction (ŷ), target (y): any one shape; L: []. N: elements; NaN gives NaN. Legendre 1805; Gauss 1809.</remarks>
public static class MeanSquaredError
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "mse",
        Group = "Losses",
        Text = "L = (1/N)·Σ (y − ŷ)²",
        Shapes = "prediction (ŷ), target (y): any one shape; L: []",
        Symbols = "N: elements; NaN gives NaN",
        Source = "Legendre 1805; Gauss 1809",
        Gradient = "dŷ += 2(ŷ − y)/N·dL, dy −= the same",
        Notes = "The most likely mean under normal noise.",
        Example = "prediction[3,8] target[3,8]",
        Evaluate = Evaluate,
    };

    /// <summary>L = (1/N)·Σ (y − ŷ)².</summary>
    public static double Forward(ReadOnlySpan<float> prediction, ReadOnlySpan<float> target)
    {
        Check.SameLength("mse", prediction.Length, target.Length);
        double sum = 0;
        for (int i = 0; i < prediction.Length; i++)
        {
            double difference = (double)prediction[i] - target[i];
            sum += difference * difference;
        }
        return prediction.IsEmpty ? 0 : sum / prediction.Length;
    }

    /// <summary>dŷ += 2(ŷ − y)/N·dL, dy −= the same; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, double dy, Span<float> dprediction,
        Span<float> dtarget)
    {
        Check.SameLength("mse", prediction.Length, target.Length);
        double scale = dy / prediction.Length;
        for (int i = 0; i < prediction.Length; i++)
        {
            float slope = (float)(2 * scale * ((double)prediction[i] - target[i]));
            dprediction[i] += slope;
            dtarget[i] -= slope;
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values prediction = call["prediction"], target = call.Same("target", prediction);
        Values y = Values.Scalar(Forward(prediction, target));
        if (call.Backward(y, out float[]? dy))
            Backward(prediction, target, dy[0], call.Gradient("prediction"), call.Gradient("target"));
        return y;
    }
}
