namespace Lemma.Formulas;

/// <summary>C_ij = Σ_k A_ik·B_kj.</summary>
/// <remarks>
/// a: [m, k]; b: [k, n]; C: [m, n]; inner sizes that differ are an error. Golub and Van Loan 2013, Matrix computations, section 1.1; Goto
/// and van de Geijn 2008 for the kernel.
/// </remarks>
public static class MatrixMultiplication
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "matrix_multiply",
        Group = "Linear algebra",
        Text = "C_ij = Σ_k A_ik·B_kj",
        Shapes = "a: [m, k]; b: [k, n]; C: [m, n]",
        Symbols = "inner sizes that differ are an error",
        Source = "Golub and Van Loan 2013, Matrix computations, section 1.1; Goto and van de Geijn 2008 for the kernel",
        Gradient = "dA += dC·Bᵀ, dB += Aᵀ·dC",
        Example = "a[3,5] b[5,4]",
        Evaluate = Evaluate,
    };

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call.Input("a", -1, -1), b = call.Input("b", a.Columns, -1), c = new(a.Rows, b.Columns);
        SpanProduct.Multiply(a.Rows, b.Columns, a.Columns, a, false, b, false, c);
        if (call.Backward(c, out float[]? dc))
            LinearMap.Backward(a, b, a.Columns, dc, call.Gradient("a"), call.Gradient("b"), default);
        return c;
    }
}
