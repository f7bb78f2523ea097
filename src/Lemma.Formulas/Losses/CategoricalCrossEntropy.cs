using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>L = −(1/rows)·Σ Σ_k y_k·ln ŷ_k.</summary>
/// <remarks>
/// ŷ, y: [rows, classes], rows that are distributions; ŷ is kept above 10⁻³⁰. Shannon 1948; Goodfellow et al. 2016, eq. 3.51.
/// </remarks>
public static class CategoricalCrossEntropy
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "categorical_cross_entropy",
        Group = "Losses",
        Text = "L = −(1/n)·Σ Σ_k y_k·ln ŷ_k",
        Latex = @"L = -\frac{1}{n}\sum_{i=1}^{n}\sum_k y_{ik}\ln\hat y_{ik}",
        Shapes = "probabilities (ŷ), target (y): [n, classes]; L: []",
        Symbols = "rows are distributions: probabilities outside [0, 1], NaN, or rows that do not sum to 1 are errors; L in nats",
        Source = "Shannon 1948; Goodfellow, Bengio and Courville 2016, eq. 3.51",
        Gradient = "dŷ += −y/ŷ/n·dL, dy += −ln ŷ/n·dL",
        Notes = "ŷ is kept above 1e−30.",
        Example = "probabilities[5,9]p target[5,9]p",
        Evaluate = Evaluate,
    };

    /// <summary>What ŷ is kept above, so that a class that is held impossible costs much and not everything.</summary>
    public const double Least = 1e-30;

    /// <summary>L = −(1/rows)·Σ Σ_k y_k·ln ŷ_k, over classes whose y is not 0.</summary>
    public static double Forward(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> target, int classes)
    {
        CheckInput(probabilities, target, classes);
        return Terms.Sum(default(Term), probabilities, target) / (target.Length / classes);
    }

    /// <summary>dŷ_k += −y_k/ŷ_k/rows·dL;  dy_k += −ln ŷ_k/rows·dL.</summary>
    public static void Backward(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> target, int classes, double dy,
        Span<float> dprobabilities, Span<float> dtarget)
    {
        CheckInput(probabilities, target, classes);
        Check.SameLength("categorical_cross_entropy", target.Length, dprobabilities.Length);
        Check.SameLength("categorical_cross_entropy", target.Length, dtarget.Length);
        Terms.AddSlopes(default(Term), probabilities, target, (float)(dy / (target.Length / classes)), dprobabilities, dtarget);
    }

    private readonly struct Term : ITerm
    {
        public Vector512<float> Value(Vector512<float> a, Vector512<float> b) => -(b * VectorMath.Log(Kept(a)));

        public (Vector512<float> A, Vector512<float> B) Slopes(Vector512<float> a, Vector512<float> b) =>
            (-(b / Kept(a)), -VectorMath.Log(Kept(a)));

        private static Vector512<float> Kept(Vector512<float> p) => Vector512.Max(p, Vector512.Create((float)Least));
    }

    private static void CheckInput(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> target, int classes)
    {
        Check.SameLength("categorical_cross_entropy", probabilities.Length, target.Length);
        Check.Distributions("categorical_cross_entropy", "probabilities", probabilities, classes);
        Check.Distributions("categorical_cross_entropy", "target", target, classes);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call["probabilities"], target = call.Same("target", p), y = Values.Scalar(Forward(p, target, p.Columns));
        if (call.Backward(y, out float[]? dy))
            Backward(p, target, p.Columns, dy[0], call.Gradient("probabilities"), call.Gradient("target"));
        return y;
    }
}
