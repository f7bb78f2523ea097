namespace Lemma.Formulas;

/// <summary>y_t = b + Σ_{j &lt; K} w_j∘x_{t − K + 1 + j}: each channel over its last K steps, itself included.</summary>
/// <remarks>x, y: [sequences, T, d]; w: [d, K]; b: [d] or empty. Steps before the first are 0. Poli et al. 2023, Hyena, section 3.</remarks>
public static class ShortConvolution
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "short_convolution",
        Group = "Recurrence",
        Text = "y_t = b + Σ_{j<K} w_j∘x_{t−K+1+j}",
        Latex = @"y_t = b + \sum_{j=0}^{K-1} w_j\odot x_{t-K+1+j}",
        Shapes = "x, y: [b, T, d]; w: [d, K]; bias: [d]",
        Symbols = "K: steps that a channel sees, itself included; those before the first are left out",
        Source = "Poli et al. 2023, Hyena hierarchy, section 3; Gu and Dao 2023, Mamba, section 3.4",
        Gradient = "dx_t = Σ_j w_j∘dy_{t+K−1−j}, dw_j = Σ_t dy_t∘x_{t−K+1+j}",
        Notes = "K − 1 rows are all that is kept of a sequence.",
        Example = "x[2,7,5] w[5,3] bias[5]",
        Evaluate = Evaluate,
    };

    /// <summary>y.</summary>
    public static unsafe void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, int length, int width, Span<float> y)
    {
        int kernel = CheckInput(x, w, bias, length, width);
        Check.SameLength("short_convolution", x.Length, y.Length);
        fixed (float* px = x, pw = w, pb = bias, py = y)
        {
            for (int first = 0; first < x.Length; first += length * width)
                ShortConvolutionKernel.Forward(new(px + first, width, py + first, width, length, pw, pb, kernel), 0, width, 0, null);
        }
    }

    /// <summary>dx, dw and db are added to.</summary>
    public static unsafe void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> w, int length, int width, ReadOnlySpan<float> dy, Span<float> dx, Span<float> dw,
        Span<float> dbias)
    {
        int kernel = CheckInput(x, w, dbias, length, width);
        Check.SameLength("short_convolution", x.Length, dy.Length);
        Check.SameLength("short_convolution", x.Length, dx.Length);
        Check.SameLength("short_convolution", w.Length, dw.Length);
        fixed (float* px = x, pw = w, pup = dy, pdx = dx, pdw = dw, pdb = dbias)
        {
            for (int first = 0; first < x.Length; first += length * width)
            {
                ShortConvolutionKernel.Head head = new(px + first, width, pup + first, width, length, pw, pdb, kernel);
                ShortConvolutionKernel.AddInputs(head, 0, width, pdx + first, width);
                ShortConvolutionKernel.AddWeights(head, 0, width, pdw, pdb);
            }
        }
    }

    private static int CheckInput(ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, int length, int width)
    {
        Check.Rows("short_convolution", x.Length, length * width);
        Check.That(w.Length > 0, "short_convolution", $"a channel must see at least one step");
        Check.Rows("short_convolution", w.Length, width);
        if (!bias.IsEmpty)
            Check.SameLength("short_convolution", width, bias.Length);
        return w.Length / width;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call.Input("x", -1, -1, -1), w = call.Input("w", x.Columns, -1), y = x.Like();
        Values? bias = call.Has("bias") ? call.Input("bias", x.Columns) : null;
        Forward(x, w, bias is null ? default : bias.Data, x.Shape[1], x.Columns, y);
        if (call.Backward(y, out float[]? dy))
            Backward(x, w, x.Shape[1], x.Columns, dy, call.Gradient("x"), call.Gradient("w"), bias is null ? default : call.Gradient("bias"));
        return y;
    }
}
