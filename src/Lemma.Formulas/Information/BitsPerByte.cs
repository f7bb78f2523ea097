namespace Lemma.Formulas;

/// <summary>bpb = nll·tokens/(bytes·ln 2).</summary>
/// <remarks>
/// nll: any shape, mean loss a token in nats; result: its shape; tokens, bytes: counts of one text; independent of the tokenizer. Gao et
/// al. 2020, The Pile, section 3.1.
/// </remarks>
public static class BitsPerByte
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "bits_per_byte",
        Group = "Information",
        Text = "bpb = nll·tokens/(bytes·ln 2)",
        Latex = @"\mathrm{bpb} = \frac{\mathrm{nll}\cdot\mathrm{tokens}}{\mathrm{bytes}\cdot\ln 2}",
        Shapes = "nll: any shape, mean loss a token in nats; result: its shape",
        Symbols = "tokens, bytes: counts of one text; independent of the tokenizer",
        Source = "Gao et al. 2020, The Pile, section 3.1",
        Gradient = "dnll += tokens/(bytes·ln 2)·dbpb",
        Notes = "8 for a model that knows nothing of bytes.",
        Example = "nll[3]+ tokens=1000 bytes=4200",
        Evaluate = Evaluate,
    };

    /// <summary>Bits a byte for a nat a token.</summary>
    public static double Factor(double tokens, double bytes)
    {
        Check.That(tokens >= 0 && bytes > 0, "bits_per_byte", $"there must be bytes, but there are {bytes} (and {tokens} tokens)");
        return tokens / (bytes * Math.Log(2));
    }

    /// <summary>bpb.</summary>
    public static void Forward(ReadOnlySpan<float> nll, double tokens, double bytes, Span<float> y)
    {
        Check.SameLength("bits_per_byte", nll.Length, y.Length);
        System.Numerics.Tensors.TensorPrimitives.Multiply(nll, (float)Factor(tokens, bytes), y);
    }

    /// <summary>dnll += tokens/(bytes·ln 2)·dbpb.</summary>
    public static void Backward(double tokens, double bytes, ReadOnlySpan<float> dy, Span<float> dnll)
    {
        Check.SameLength("bits_per_byte", dy.Length, dnll.Length);
        Lanes.AddScaled(dy, (float)Factor(tokens, bytes), dnll);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values nll = call["nll"], y = nll.Like();
        double tokens = call.Number("tokens"), bytes = call.Number("bytes");
        Forward(nll, tokens, bytes, y);
        if (call.Backward(y, out float[]? dy))
            Backward(tokens, bytes, dy, call.Gradient("nll"));
        return y;
    }
}
