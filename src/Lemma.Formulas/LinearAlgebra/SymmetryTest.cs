namespace Lemma.Formulas;

/// <summary>A = Aᵀ.</summary>
/// <remarks>
/// a: [n, n]; result: [], 1 or 0; tolerance: 1e−5 of the largest magnitude. Golub and Van Loan 2013, Matrix computations, section 2.1.
/// </remarks>
public static class SymmetryTest
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "is_symmetric",
        Group = "Linear algebra",
        Text = "A = Aᵀ",
        Latex = @"A = A^\top",
        Shapes = "a: [n, n]; result: [], 1 or 0",
        Symbols = "tolerance: 1e−5 of the largest magnitude",
        Source = "Golub and Van Loan 2013, Matrix computations, section 2.1",
        Gradient = "None: it is a yes or a no",
        Notes = "Covariances and Gram matrices are.",
        IsDifferentiable = false,
        Example = "a[3,3]",
        Evaluate = Evaluate,
    };

    /// <summary>Whether it holds within a tolerance; NaN never does.</summary>
    public static bool Holds(ReadOnlySpan<float> a, int n, double tolerance = 1e-5)
    {
        Check.SameLength("is_symmetric", n * n, a.Length);
        double bound = n == 0 ? 0 : tolerance * Math.Max(1e-30, Math.Abs(System.Numerics.Tensors.TensorPrimitives.MaxMagnitude(a)));
        bool holds = true;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++)
                holds &= Math.Abs(a[i * n + j] - a[j * n + i]) <= bound;
        }
        return holds;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call.Input("a", -1, -1);
        Check.That(a.Rows == a.Columns, "is_symmetric", $"the matrix must be square, but it is {a}");
        return Values.Scalar(Holds(a, a.Columns, call.Number("tolerance", 1e-5)) ? 1 : 0);
    }
}
