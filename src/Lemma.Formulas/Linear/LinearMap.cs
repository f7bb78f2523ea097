namespace Lemma.Formulas;

/// <summary>y = x·W + b.</summary>
/// <remarks>
/// x: [rows, in]; W: [in, out]; b: [out], or empty; y: [rows, out]. Checkpoints store Wᵀ, which the tape's operation takes.
/// </remarks>
public static class LinearMap
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "linear",
        Group = "Linear",
        Text = "y = x·W + b",
        Latex = @"y = x W + b",
        Shapes = "x: [.., in]; weight (W): [in, out]; bias (b): [out] or none; y: [.., out]",
        Symbols = "checkpoints store Wᵀ",
        Source = "Rosenblatt 1958",
        Gradient = "dx += dy·Wᵀ, dW += xᵀ·dy, db += Σ dy",
        Example = "x[5,33] weight[33,17] bias[17]",
        Evaluate = Evaluate,
    };

    /// <summary>y = x·W + b.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, int inputs, Span<float> y)
    {
        (int rows, int outputs) = Sizes(x, weight, bias, inputs);
        SpanProduct.Multiply(rows, outputs, inputs, x, false, weight, false, y);
        for (int row = 0; row < rows && !bias.IsEmpty; row++)
            Lanes.AddScaled(bias, 1, y.Slice(row * outputs, outputs));
    }

    /// <summary>dx += dy·Wᵀ;  dW += xᵀ·dy;  db += Σ rows dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, int inputs, ReadOnlySpan<float> dy,
        Span<float> dx, Span<float> dweight, Span<float> dbias)
    {
        (int rows, int outputs) = Sizes(x, weight, default, inputs);
        SpanProduct.Multiply(rows, inputs, outputs, dy, false, weight, true, dx, add: true);
        SpanProduct.Multiply(inputs, outputs, rows, x, true, dy, false, dweight, add: true);
        for (int row = 0; row < rows && !dbias.IsEmpty; row++)
            Lanes.AddScaled(dy.Slice(row * outputs, outputs), 1, dbias);
    }

    private static (int Rows, int Outputs) Sizes(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, int inputs)
    {
        Check.Rows("linear", x.Length, inputs);
        Check.Rows("linear", weight.Length, inputs);
        if (!bias.IsEmpty)
            Check.SameLength("linear", weight.Length / inputs, bias.Length);
        return (x.Length / inputs, weight.Length / inputs);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], weight = call.Input("weight", x.Columns, -1);
        ReadOnlySpan<float> bias = call.Has("bias") ? call.Input("bias", weight.Columns) : default(ReadOnlySpan<float>);
        Values y = new([.. x.Shape[..^1], weight.Columns], new float[x.Rows * weight.Columns]);
        Forward(x, weight, bias, x.Columns, y);
        if (call.Backward(y, out float[]? dy))
            Backward(x, weight, x.Columns, dy, call.Gradient("x"), call.Gradient("weight"), bias.IsEmpty ? default : call.Gradient("bias"));
        return y;
    }
}
