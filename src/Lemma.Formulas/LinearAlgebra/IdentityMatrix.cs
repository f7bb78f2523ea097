namespace Lemma.Formulas;

/// <summary>I_ij = 1 for i = j, else 0.</summary>
/// <remarks>I: [n, n]; A·I = I·A = A. Golub and Van Loan 2013, Matrix computations, section 1.1.</remarks>
public static class IdentityMatrix
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "identity_matrix",
        Group = "Linear algebra",
        Text = "I_ij = 1 for i = j, else 0",
        Latex = @"I_{ij} = \begin{cases} 1 & i = j \cr 0 & i\ne j \end{cases}",
        Shapes = "I: [n, n]",
        Symbols = "A·I = I·A = A",
        Source = "Golub and Van Loan 2013, Matrix computations, section 1.1",
        Gradient = "None: it has no inputs",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "n=4",
        Evaluate = Evaluate,
    };

    /// <summary>I of n².</summary>
    public static void Forward(int n, Span<float> identity)
    {
        Check.That(n >= 0, "identity_matrix", $"the size must not be negative, but it is {n}");
        Check.SameLength("identity_matrix", n * n, identity.Length);
        identity.Clear();
        for (int i = 0; i < n; i++)
            identity[i * n + i] = 1;
    }

    private static Values Evaluate(FormulaCall call)
    {
        int n = call.Whole("n");
        Values y = call.New(n, n);
        Forward(n, y);
        return y;
    }
}
