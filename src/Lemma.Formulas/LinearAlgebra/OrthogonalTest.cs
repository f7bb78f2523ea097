namespace Lemma.Formulas;

/// <summary>Aᵀ·A = I.</summary>
/// <remarks>a: [n, n]; result: [], 1 or 0; tolerance: 1e−5. Golub and Van Loan 2013, Matrix computations, section 2.1.</remarks>
public static class OrthogonalTest
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "is_orthogonal",
        Group = "Linear algebra",
        Text = "Aᵀ·A = I",
        Latex = @"A^\top A = I",
        Shapes = "a: [n, n]; result: [], 1 or 0",
        Symbols = "tolerance: 1e−5",
        Source = "Golub and Van Loan 2013, Matrix computations, section 2.1",
        Gradient = "None: it is a yes or a no",
        Notes = "Keeps lengths and angles, as the turns of rotary positions do.",
        IsDifferentiable = false,
        Example = "a[3,3]",
        Evaluate = Evaluate,
    };

    /// <summary>Whether it holds within a tolerance; NaN never does.</summary>
    public static bool Holds(ReadOnlySpan<float> a, int n, double tolerance = 1e-5)
    {
        Check.SameLength("is_orthogonal", n * n, a.Length);
        bool holds = true;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
                holds &= Math.Abs(Lanes.Dot(a.Slice(i * n, n), a.Slice(j * n, n)) - (i == j ? 1 : 0)) <= tolerance;
        }
        return holds;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values a = call.Input("a", -1, -1);
        Check.That(a.Rows == a.Columns, "is_orthogonal", $"the matrix must be square, but it is {a}");
        return Values.Scalar(Holds(a, a.Columns, call.Number("tolerance", 1e-5)) ? 1 : 0);
    }
}
