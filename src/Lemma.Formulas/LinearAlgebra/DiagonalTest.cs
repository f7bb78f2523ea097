namespace Lemma.Formulas;

/// <summary>A_ij = 0 for i ≠ j.</summary>
/// <remarks>
/// a: [n, n]; result: [], 1 or 0; tolerance: 1e−5 of the largest magnitude. Golub and Van Loan 2013, Matrix computations, section 2.1.
/// </remarks>
public static class DiagonalTest
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "is_diagonal",
        Group = "Linear algebra",
        Text = "A_ij = 0 for i ≠ j",
        Latex = @"A_{ij} = 0\quad\text{for } i\ne j",
        Shapes = "a: [n, n]; result: [], 1 or 0",
        Symbols = "tolerance: 1e−5 of the largest magnitude",
        Source = "Golub and Van Loan 2013, Matrix computations, section 2.1",
        Gradient = "None: it is a yes or a no",
        Notes = "Scales each axis by itself.",
        IsDifferentiable = false,
        Example = "a[3,3]",
        Evaluate = Evaluate,
    };

    /// <summary>Whether it holds within a tolerance; NaN never does.</summary>
    public static bool Holds(ReadOnlySpan<float> a, int n, double tolerance = 1e-5)
    {
        Check.SameLength("is_diagonal", n * n, a.Length);
        double bound = n == 0 ? 0 : tolerance * Math.Max(1e-30, Math.Abs(System.Numerics.Tensors.TensorPrimitives.MaxMagnitude(a)));
        bool holds = true;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
                holds &= i == j || Math.Abs(a[i * n + j]) <= bound;
        }
        return holds;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call.Input("a", -1, -1);
        Check.That(a.Rows == a.Columns, "is_diagonal", $"the matrix must be square, but it is {a}");
        return Values.Scalar(Holds(a, a.Columns, call.Number("tolerance", 1e-5)) ? 1 : 0);
    }
}
