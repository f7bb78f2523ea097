using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = (1/N)·Σ [max(z, 0) − z·y + ln(1 + e^(−|z|))].</summary>
/// <remarks>
/// logits (z), target (y): any one shape; L: []. y: probabilities, outside [0, 1] is an error; L in nats; NaN in z gives NaN. Goodfellow,
/// Bengio and Courville 2016, section 6.2.2.2.
/// </remarks>
public static class BinaryCrossEntropyWithLogits
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "binary_cross_entropy_with_logits",
        Group = "Losses",
        Text = "L = (1/N)·Σ [max(z, 0) − z·y + ln(1 + e^(−|z|))]",
        Latex = @"L = \frac{1}{N}\sum_i\left[\max(z_i, 0) - z_i y_i + \ln\left(1 + e^{-\lvert z_i\rvert}\right)\right]",
        Shapes = "logits (z), target (y): any one shape; L: []",
        Symbols = "y: probabilities, outside [0, 1] is an error; L in nats; NaN in z gives NaN",
        Source = "Goodfellow, Bengio and Courville 2016, section 6.2.2.2",
        Gradient = "dz += (σ(z) − y)/N·dL, dy −= z/N·dL",
        Notes = "Equal to binary_cross_entropy of σ(z), but finite for every finite z.",
        Example = "logits[3,8]*20 target[3,8]u",
        Evaluate = Evaluate,
    };

    /// <summary>L = (1/N)·Σ [max(z, 0) − z·y + ln(1 + e^(−|z|))].</summary>
    public static double Forward(ReadOnlySpan<float> logits, ReadOnlySpan<float> target)
    {
        Check.SameLength("binary_cross_entropy_with_logits", logits.Length, target.Length);
        Check.Probabilities("binary_cross_entropy_with_logits", "target", target);
        return logits.IsEmpty ? 0 : Terms.Sum(default(Term), logits, target) / logits.Length;
    }

    /// <summary>dz += (σ(z) − y)/N·dL, dy −= z/N·dL; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> logits, ReadOnlySpan<float> target, double dy, Span<float> dlogits, Span<float> dtarget)
    {
        Check.SameLength("binary_cross_entropy_with_logits", logits.Length, target.Length);
        Check.Probabilities("binary_cross_entropy_with_logits", "target", target);
        Check.SameLength("binary_cross_entropy_with_logits", logits.Length, dlogits.Length);
        Check.SameLength("binary_cross_entropy_with_logits", logits.Length, dtarget.Length);
        Terms.AddSlopes(default(Term), logits, target, (float)(dy / logits.Length), dlogits, dtarget);
    }

    private readonly struct Term : ITerm
    {
        public Vector512<float> Value(Vector512<float> a, Vector512<float> b)
        {
            // max(z, 0) − z·y in one product, so that no large numbers are subtracted and 0·∞ is 0.
            Vector512<float> factor = (Vector512.GreaterThan(a, default) & Vector512.Create(1f)) - b;
            Vector512<float> product = Vector512.AndNot(factor * a, Vector512.Equals(factor, default) & ~Vector512.IsNaN(a));
            return product + VectorMath.LogOnePlusExp(a);
        }

        public (Vector512<float> A, Vector512<float> B) Slopes(Vector512<float> a, Vector512<float> b) => (VectorMath.Sigmoid(a) - b, -a);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logits = call["logits"], target = call.Same("target", logits);
        Values y = Values.Scalar(Forward(logits, target));
        if (call.Backward(y, out float[]? dy))
            Backward(logits, target, dy[0], call.Gradient("logits"), call.Gradient("target"));
        return y;
    }
}
