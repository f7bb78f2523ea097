namespace Lemma.Formulas;

/// <summary>Evaluations that many formulas of the index share.</summary>
internal static class Evaluations
{
    public delegate void ForwardOfOne(ReadOnlySpan<float> x, Span<float> y);

    public delegate void BackwardOfOne(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx);

    /// <summary>A function of every element of x.</summary>
    public static Func<FormulaCall, Values> Elementwise(ForwardOfOne forward, BackwardOfOne backward) => call =>
    {
        Values x = call["x"], y = x.Like();
        forward(x, y);
        if (call.Backward(y, out float[]? dy))
            backward(x, dy, call.Gradient("x"));
        return y;
    };
}
