namespace Lemma.Formulas;

/// <summary>y = norm(x + f(x)), here with f(x) = x·W and the root-mean-square norm: the block as first published.</summary>
/// <remarks>x, y: [rows, d]; W: [d, d]; g: [d]. Vaswani et al. 2017, section 3.1; Xiong et al. 2020, figure 1a.</remarks>
public static class PostNorm
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "post_norm",
        Group = "Normalization",
        Text = "y = norm(x + f(x))",
        Latex = @"y = \mathrm{norm}\left(x + f(x)\right)",
        Shapes = "x, y: [rows, d]; weight (W): [d, d]; gain: [d]",
        Symbols = "f(x) = x·W here; norm: rms_norm",
        Source = "Vaswani et al. 2017, section 3.1; Xiong et al. 2020, figure 1a",
        Gradient = "ds = norm'(dy), dx += ds + ds·Wᵀ",
        Notes = "The first form; deep stacks need a warmup.",
        Example = "x[5,17] weight[17,17] gain[17] epsilon=0.01",
        Evaluate = Evaluate,
    };

    /// <summary>y = norm(s), s = x + x·W; keeps s and r for the backward.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> g, float epsilon,
        Span<float> y, Span<float> s, Span<float> r)
    {
        x.CopyTo(s);
        SpanProduct.Multiply(r.Length, g.Length, g.Length, x, false, weight, false, s, add: true);
        RmsNorm.Forward(s, g, epsilon, y, r);
    }

    /// <summary>dx += ds + ds·Wᵀ;  dW += xᵀ·ds, ds = norm'(dy).</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> g, ReadOnlySpan<float> s,
        ReadOnlySpan<float> r,
        ReadOnlySpan<float> dy, Span<float> dx, Span<float> dweight, Span<float> dg)
    {
        int d = g.Length;
        float[] ds = new float[x.Length];
        RmsNorm.Backward(s, g, r, dy, ds, dg);
        Lanes.AddScaled(ds, 1, dx);
        SpanProduct.Multiply(r.Length, d, d, ds, false, weight, true, dx, add: true);
        SpanProduct.Multiply(d, d, r.Length, x, true, ds, false, dweight, add: true);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call["x"], weight = call.Input("weight", x.Columns, x.Columns), g = call.Input("gain", x.Columns), y = x.Like(),
            s = x.Like();
        float[] r = new float[x.Rows];
        Forward(x, weight, g, (float)call.Number("epsilon", 1e-5), y, s, r);
        if (call.Backward(y, out float[]? dy))
            Backward(x, weight, g, s, r, dy, call.Gradient("x"), call.Gradient("weight"), call.Gradient("gain"));
        return y;
    }
}
