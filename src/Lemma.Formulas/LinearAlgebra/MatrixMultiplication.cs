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
        Latex = @"C_{ij} = \sum_k A_{ik} B_{kj}",
        Shapes = "a: [m, k]; b: [k, n]; C: [m, n]",
        Symbols = "inner sizes that differ are an error",
        Source = "Golub and Van Loan 2013, Matrix computations, section 1.1; Goto and van de Geijn 2008 for the kernel",
        Gradient = "dA += dC·Bᵀ, dB += Aᵀ·dC",
        Example = "a[3,5] b[5,4]",
        Evaluate = Evaluate,
    };

    /// <summary>C [m, n] = A [m, k]·B [k, n].</summary>
    public static void Forward(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int k, Span<float> c)
    {
        (int m, int n) = Sizes(a, b, k);
        SpanProduct.Multiply(m, n, k, a, false, b, false, c);
    }

    /// <summary>dA += dC·Bᵀ;  dB += Aᵀ·dC.</summary>
    public static void Backward(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int k, ReadOnlySpan<float> dc, Span<float> da, Span<float> db)
    {
        (int m, int n) = Sizes(a, b, k);
        SpanProduct.Multiply(m, k, n, dc, false, b, true, da, add: true);
        SpanProduct.Multiply(k, n, m, a, true, dc, false, db, add: true);
    }

    private static (int Rows, int Columns) Sizes(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int k)
    {
        Check.Rows("matrix_multiply", a.Length, k);
        Check.Rows("matrix_multiply", b.Length, k);
        return (a.Length / k, b.Length / k);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call.Input("a", -1, -1), b = call.Input("b", a.Columns, -1), c = new(a.Rows, b.Columns);
        Forward(a, b, a.Columns, c);
        if (call.Backward(c, out float[]? dc))
            Backward(a, b, a.Columns, dc, call.Gradient("a"), call.Gradient("b"));
        return c;
    }
}
