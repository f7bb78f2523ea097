using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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
        Latex = @"L = \frac{1}{N}\sum_i\left(y_i - \hat y_i\right)^2",
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
        return prediction.IsEmpty ? 0 : SumOfSquares(prediction, target) / prediction.Length;
    }

    // The squares in double: those of differences above 10¹⁹ are beyond float32.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfSquares(ReadOnlySpan<float> prediction, ReadOnlySpan<float> target)
    {
        ref float startP = ref MemoryMarshal.GetReference(prediction), startT = ref MemoryMarshal.GetReference(target);
        Vector512<double> sum = default, more = default;
        int i = 0;
        for (; i + Lanes.Count <= prediction.Length; i += Lanes.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Lanes.Load(ref startP, i) - Lanes.Load(ref startT, i));
            sum = Vector512.FusedMultiplyAdd(lower, lower, sum);
            more = Vector512.FusedMultiplyAdd(upper, upper, more);
        }
        if (i < prediction.Length)
        {
            (Vector512<double> lower, Vector512<double> upper) =
                Vector512.Widen(Lanes.LoadTail(prediction[i..]) - Lanes.LoadTail(target[i..]));
            sum = Vector512.FusedMultiplyAdd(lower, lower, sum);
            more = Vector512.FusedMultiplyAdd(upper, upper, more);
        }
        return Lanes.Sum(sum + more);
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
