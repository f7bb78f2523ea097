using System.Runtime.Intrinsics;

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
        Latex = @"L = -\frac{1}{N}\sum_i\left[y_i\ln\hat y_i + (1 - y_i)\ln(1 - \hat y_i)\right]",
        Shapes = "prediction (ŷ), target (y): any one shape; L: []",
        Symbols = "ŷ, y: probabilities; outside [0, 1], NaN included, is an error. L in nats",
        Source = "Good 1952; Goodfellow, Bengio and Courville 2016, section 5.5",
        Gradient = "dŷ += (ŷ − y)/(ŷ(1 − ŷ))/N·dL, dy += (ln(1 − ŷ) − ln ŷ)/N·dL",
        Notes = "ŷ is clamped to [1e−7, 1 − 1e−7], so that 0 and 1 give a finite loss, and there the gradient is that at the clamp, not 0; "
            + "prefer the form with logits.",
        Example = "prediction[3,8]u target[3,8]u",
        Evaluate = Evaluate,
    };

    /// <summary>L = −(1/N)·Σ [y·ln ŷ + (1 − y)·ln(1 − ŷ)].</summary>
    public static double Forward(ReadOnlySpan<float> prediction, ReadOnlySpan<float> target)
    {
        Check.SameLength("binary_cross_entropy", prediction.Length, target.Length);
        Check.Probabilities("binary_cross_entropy", "prediction", prediction);
        Check.Probabilities("binary_cross_entropy", "target", target);
        return prediction.IsEmpty ? 0 : Terms.Sum(default(Term), prediction, target) / prediction.Length;
    }

    /// <summary>dŷ += (ŷ − y)/(ŷ(1 − ŷ))/N·dL, dy += (ln(1 − ŷ) − ln ŷ)/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> prediction, ReadOnlySpan<float> target, double dy, Span<float> dprediction,
        Span<float> dtarget)
    {
        Check.SameLength("binary_cross_entropy", prediction.Length, target.Length);
        Check.Probabilities("binary_cross_entropy", "prediction", prediction);
        Check.Probabilities("binary_cross_entropy", "target", target);
        Check.SameLength("binary_cross_entropy", prediction.Length, dprediction.Length);
        Check.SameLength("binary_cross_entropy", prediction.Length, dtarget.Length);
        Terms.AddSlopes(default(Term), prediction, target, (float)(dy / prediction.Length), dprediction, dtarget);
    }

    private readonly struct Term : ITerm
    {
        // ln Least and ln(1 − Least).
        private const float Low = -16.1180957f, High = -1.00000005e-7f;

        public Vector512<float> Value(Vector512<float> a, Vector512<float> b)
        {
            Vector512<float> rest = Vector512.Create(1f) - b;
            return -Vector512.FusedMultiplyAdd(b, Clamp(VectorMath.Log(a)), rest * Clamp(VectorMath.LogOnePlus(-a)));
        }

        public (Vector512<float> A, Vector512<float> B) Slopes(Vector512<float> a, Vector512<float> b)
        {
            Vector512<float> one = Vector512.Create(1f), least = Vector512.Create((float)Least);
            // Both kept away from 0; 1 − ŷ has all its digits where ŷ is near 1.
            Vector512<float> p = Vector512.Max(a, least), q = Vector512.Max(one - a, least);
            return ((p - b) / (p * q), Clamp(VectorMath.LogOnePlus(-a)) - Clamp(VectorMath.Log(a)));
        }

        private static Vector512<float> Clamp(Vector512<float> log) => Vector512.Min(Vector512.Max(log, Vector512.Create(Low)),
            Vector512.Create(High));
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
