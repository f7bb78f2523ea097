namespace Lemma.Formulas;

/// <summary>R = (λ/2)·Σw².</summary>
/// <remarks>w: any shape; R: a number. NaN gives NaN. Hoerl and Kennard 1970; Krogh and Hertz 1991, eq. 2.</remarks>
public static class L2
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "l2",
        Group = "Regularization",
        Text = "R = (λ/2)·Σ w²",
        Latex = @"R = \frac{\lambda}{2}\sum_i w_i^2",
        Shapes = "w: any shape; R: []",
        Symbols = "λ (lambda_): weight",
        Source = "Hoerl and Kennard 1970; Krogh and Hertz 1991, eq. 2",
        Gradient = "dw += λ·w·dR",
        Notes = "With plain gradient descent the same as weight decay; with Adam not.",
        Example = "w[33] lambda_=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>R.</summary>
    public static double Forward(ReadOnlySpan<float> w, double lambda) => lambda / 2 * GradientNorm.SumOfSquares(w);

    /// <summary>dw += λ·w·dR.</summary>
    public static void Backward(ReadOnlySpan<float> w, double lambda, double dy, Span<float> dw)
    {
        Check.SameLength("l2", w.Length, dw.Length);
        Lanes.AddScaled(w, (float)(lambda * dy), dw);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values w = call["w"], y = Values.Scalar(Forward(w, call.Number("lambda_")));
        if (call.Backward(y, out float[]? dy))
            Backward(w, call.Number("lambda_"), dy[0], call.Gradient("w"));
        return y;
    }
}
