namespace Lemma.Formulas;

/// <summary>
/// y = x·m while training, y = (1 − p)·x at inference, m drawn from a counter: 0 with probability p, else 1 (the first form).
/// </summary>
/// <remarks>The same masks as <see cref="Dropout"/>, which scales while training instead. Srivastava et al. 2014, section 4.</remarks>
public static class PlainDropout
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "dropout_plain",
        Group = "Regularization",
        Text = "y = x·m while training, y = (1 − p)·x at inference",
        Latex = @"y = \begin{cases} m\cdot x & \text{while training} \cr (1 - p)\cdot x & \text{at inference} \end{cases}",
        Shapes = "x, y: any shape",
        Symbols = "p: probability to drop, in [0, 1); m: 0 or 1, a function of seed and place",
        Source = "Srivastava et al. 2014, Dropout, section 4",
        Gradient = "dx += dy·m",
        Notes = "The first form; the inverted one (dropout) leaves inference alone.",
        Kind = FormulaKind.Elementwise,
        Example = "x[3,33] p=0.25 seed=3",
        Evaluate = Evaluate,
    };

    /// <summary>y = x·m, or (1 − p)·x when not training; y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, float p, bool training, Philox generator, long start, Span<float> y)
    {
        Check.SameLength("dropout_plain", x.Length, y.Length);
        if (training)
            Dropout.Mask(x, p, 1, generator, start, y);
        else
            System.Numerics.Tensors.TensorPrimitives.Multiply(x, 1 - p, y);
    }

    /// <summary>dx = dy·m, or (1 − p)·dy, in place: the forward with the same generator.</summary>
    public static void Backward(Span<float> dy, float p, bool training, Philox generator, long start) => Forward(dy, p, training, generator,
        start, dy);

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], y = x.Like();
        (float p, bool training, Philox generator) = (Dropout.Probability(call), call.Flag("training", true),
            new Philox((ulong)call.Whole("seed", 1)));
        Forward(x, p, training, generator, 0, y);
        if (call.Backward(y, out float[]? dy))
        {
            float[] dx = [.. dy];
            Backward(dx, p, training, generator, 0);
            Lanes.AddScaled(dx, 1, call.Gradient("x"));
        }
        return y;
    }
}
