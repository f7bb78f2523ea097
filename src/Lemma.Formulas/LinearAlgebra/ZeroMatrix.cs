namespace Lemma.Formulas;

/// <summary>0_ij = 0.</summary>
/// <remarks>0: [m, n]; A + 0 = A. Golub and Van Loan 2013, Matrix computations, section 1.1.</remarks>
public static class ZeroMatrix
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "zero_matrix",
        Group = "Linear algebra",
        Text = "0_ij = 0",
        Latex = @"0_{ij} = 0",
        Shapes = "0: [m, n]",
        Symbols = "A + 0 = A",
        Source = "Golub and Van Loan 2013, Matrix computations, section 1.1",
        Gradient = "None: it has no inputs",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "m=2 n=3",
        Evaluate = Evaluate,
    };

    /// <summary>0 of m·n.</summary>
    public static void Forward(int m, int n, Span<float> zeros)
    {
        Check.That(m >= 0 && n >= 0, "zero_matrix", $"the sizes must not be negative, but they are {m} and {n}");
        Check.SameLength("zero_matrix", m * n, zeros.Length);
        zeros.Clear();
    }

    private static Values Evaluate(FormulaCall call)
    {
        int m = call.Whole("m"), n = call.Whole("n");
        Values y = call.New(m, n);
        Forward(m, n, y);
        return y;
    }
}
