namespace Lemma.Formulas;

/// <summary>y = x + f(norm(x)), here with f(n) = n·W and the root-mean-square norm: a block whose residual path no norm touches.</summary>
/// <remarks>x, y: [rows, d]; W: [d, d]; g: [d]. Xiong et al. 2020, On layer normalization in the transformer, figure 1b.</remarks>
public static class PreNorm
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "pre_norm",
        Group = "Normalization",
        Text = "y = x + f(norm(x))",
        Latex = @"y = x + f\left(\mathrm{norm}(x)\right)",
        Shapes = "x, y: [rows, d]; weight (W): [d, d]; gain: [d]",
        Symbols = "f(n) = n·W here; norm: rms_norm",
        Source = "Xiong et al. 2020, On layer normalization in the transformer, figure 1b",
        Gradient = "dx += dy + norm'(dy·Wᵀ)",
        Notes = "Gradients reach every layer unchanged along the residual path; a block has two norms (correction 3).",
        Example = "x[5,17] weight[17,17] gain[17] epsilon=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>y = x + norm(x)·W; keeps n = norm(x) and r for the backward.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> g, float epsilon,
        Span<float> y, Span<float> n, Span<float> r)
    {
        RmsNorm.Forward(x, g, epsilon, n, r);
        x.CopyTo(y);
        SpanProduct.Multiply(r.Length, g.Length, g.Length, n, false, weight, false, y, add: true);
    }

    /// <summary>dx += dy + norm'(dy·Wᵀ);  dW += nᵀ·dy.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> g, ReadOnlySpan<float> n,
        ReadOnlySpan<float> r,
        ReadOnlySpan<float> dy, Span<float> dx, Span<float> dweight, Span<float> dg)
    {
        int d = g.Length;
        Lanes.AddScaled(dy, 1, dx);
        SpanProduct.Multiply(d, d, r.Length, n, true, dy, false, dweight, add: true);
        RmsNorm.Backward(x, g, r, SpanProduct.New(r.Length, d, d, dy, false, weight, true), dx, dg);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], weight = call.Input("weight", x.Columns, x.Columns), g = call.Input("gain", x.Columns), y = x.Like(),
            n = x.Like();
        float[] r = new float[x.Rows];
        Forward(x, weight, g, (float)call.Number("epsilon", 1e-5), y, n, r);
        if (call.Backward(y, out float[]? dy))
            Backward(x, weight, g, n, r, dy, call.Gradient("x"), call.Gradient("weight"), call.Gradient("gain"));
        return y;
    }
}
