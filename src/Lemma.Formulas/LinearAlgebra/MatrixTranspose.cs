namespace Lemma.Formulas;

/// <summary>(Aᵀ)_ij = A_ji.</summary>
/// <remarks>a: [m, n]; Aᵀ: [n, m]; (A·B)ᵀ = Bᵀ·Aᵀ. Golub and Van Loan 2013, Matrix computations, section 1.1.</remarks>
public static class MatrixTranspose
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "matrix_transpose",
        Group = "Linear algebra",
        Text = "(Aᵀ)_ij = A_ji",
        Shapes = "a: [m, n]; Aᵀ: [n, m]",
        Symbols = "(A·B)ᵀ = Bᵀ·Aᵀ",
        Source = "Golub and Van Loan 2013, Matrix computations, section 1.1",
        Gradient = "dA += dCᵀ",
        Kind = FormulaKind.Elementwise,
        Example = "a[3,5]",
        Evaluate = Evaluate,
    };

    /// <summary>Aᵀ of A [m, n].</summary>
    public static void Forward(ReadOnlySpan<float> a, int m, int n, Span<float> c)
    {
        Check.SameLength("matrix_transpose", m * n, a.Length);
        Check.SameLength("matrix_transpose", m * n, c.Length);
        // In squares, so that the columns of one are still in the cache when its next row comes.
        for (int top = 0; top < m; top += Side)
        {
            for (int left = 0; left < n; left += Side)
            {
                for (int i = top; i < Math.Min(top + Side, m); i++)
                {
                    ReadOnlySpan<float> row = a.Slice(i * n + left, Math.Min(Side, n - left));
                    for (int j = 0; j < row.Length; j++)
                        c[(left + j) * m + i] = row[j];
                }
            }
        }
    }

    private const int Side = 16;

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call.Input("a", -1, -1), c = new(a.Columns, a.Rows);
        Forward(a, a.Rows, a.Columns, c);
        if (call.Backward(c, out float[]? dc))
        {
            float[] back = new float[a.Count];
            Forward(dc, a.Columns, a.Rows, back);
            Lanes.AddScaled(back, 1, call.Gradient("a"));
        }
        return c;
    }
}
