namespace Lemma.Formulas;

/// <summary>C = A + B.</summary>
/// <remarks>a, b, C: one shape; shapes that differ are an error. Golub and Van Loan 2013, Matrix computations, section 1.1.</remarks>
public static class MatrixSum
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "matrix_add",
        Group = "Linear algebra",
        Text = "C = A + B",
        Latex = @"C = A + B",
        Shapes = "a, b, C: one shape",
        Symbols = "shapes that differ are an error",
        Source = "Golub and Van Loan 2013, Matrix computations, section 1.1",
        Gradient = "dA += dC, dB += dC",
        Kind = FormulaKind.Elementwise,
        Example = "a[3,4] b[3,4]",
        Evaluate = Evaluate,
    };

    /// <summary>C = A + B.</summary>
    public static void Forward(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> c) => Residual.Forward(a, b, c);

    /// <summary>dA += dC;  dB += dC.</summary>
    public static void Backward(ReadOnlySpan<float> dc, Span<float> da, Span<float> db) => Residual.Backward(dc, da, db);

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call["a"], b = call.Same("b", a), c = a.Like();
        Forward(a, b, c);
        if (call.Backward(c, out float[]? dc))
            Backward(dc, call.Gradient("a"), call.Gradient("b"));
        return c;
    }
}
