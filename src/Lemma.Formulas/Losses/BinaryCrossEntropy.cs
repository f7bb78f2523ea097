namespace Lemma.Formulas;

/// <summary>L = −(1/N)·Σ [y·ln ŷ + (1 − y)·ln(1 − ŷ)].</summary>
/// <remarks>
/// prediction (ŷ), target (y): any one shape; L: []. ŷ, y: probabilities; outside [0, 1], NaN included, is an error. L in nats. Good 1952;
/// Goodfellow, Bengio and Courville 2016, section 5.5.
/// </remarks>
public static class BinaryCrossEntropy
{
    /// <summary>What probabilities are kept away from 0 and 1 by.</summary>
    public const double Least = 1e-7;

    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "binary_cross_entropy",
        Group = "Losses",
        Text = "L = −(1/N)·Σ [y·ln ŷ + (1 − y)·ln(1 − ŷ)]",
        Shapes = "prediction (ŷ), target (y): any one shape; L: []",
        Symbols = "ŷ, y: probabilities; outside [0, 1], NaN included, is an error. L in nats",
        Source = "Good 1952; Goodfellow, Bengio and Courville 2016, section 5.5",
        Gradient = "dŷ += (ŷ − y)/(ŷ(1 − ŷ))/N·dL, dy += (ln(1 − ŷ) − ln ŷ)/N·dL",
        Notes = "ŷ is clamped to [1e−7, 1 − 1e−7], so that 0 and 1 give a finite loss; prefer the form with logits.",
        Example = "prediction[3,8]u target[3,8]u",
        Evaluate = Evaluate,
    };

    /// <summary>L = −(1/N)·Σ [y·ln ŷ + (1 − y)·ln(1 − ŷ)].</summary>
    public static double Forward(ReadOnlySpan<float> prediction, ReadOnlySpan<float> target)
    {
        Check.SameLength("binary_cross_entropy", prediction.Length, target.Length);
        Check.Probabilities("binary_cross_entropy", "prediction", prediction);
        Check.Probabilities("binary_cross_entropy", "target", target);
        double sum = 0;
        for (int i = 0; i < prediction.Length; i++)
        {
            double p = Math.Clamp(prediction[i], Least, 1 - Least);
            sum -= target[i] * Math.Log(p) + (1 - target[i]) * Math.Log(1 - p);
        }
        return prediction.IsEmpty ? 0 : sum / prediction.Length;
    }

    /// <summary>dŷ += (ŷ − y)/(ŷ(1 − ŷ))/N·dL, dy += (ln(1 − ŷ) − ln ŷ)/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, double dy, Span<float> dprediction,
        Span<float> dtarget)
    {
        Check.SameLength("binary_cross_entropy", prediction.Length, target.Length);
        Check.Probabilities("binary_cross_entropy", "prediction", prediction);
        Check.Probabilities("binary_cross_entropy", "target", target);
        double scale = dy / prediction.Length;
        for (int i = 0; i < prediction.Length; i++)
        {
            double p = Math.Clamp(prediction[i], Least, 1 - Least);
            dprediction[i] += (float)(scale * (p - target[i]) / (p * (1 - p)));
            dtarget[i] += (float)(scale * (Math.Log(1 - p) - Math.Log(p)));
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
