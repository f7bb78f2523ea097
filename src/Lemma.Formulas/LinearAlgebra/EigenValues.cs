using DenseMatrix = MathNet.Numerics.LinearAlgebra.Double.DenseMatrix;

namespace Lemma.Formulas;

/// <summary>A·x_i = λ_i·x_i.</summary>
/// <remarks>
/// a: [n, n], symmetric; result: [n + 1, n], first the λ rising, then a row x_i each, its largest component
/// positive; a matrix that is not symmetric is an error: its
/// eigenvalues may not be real. Golub and Van Loan 2013, Matrix computations, section 8.3.
/// </remarks>
public static class EigenValues
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "eigen",
        Group = "Linear algebra",
        Text = "A·x_i = λ_i·x_i",
        Shapes = "a: [n, n], symmetric; result: [n + 1, n], first the λ rising, then a row x_i each, its largest component positive",
        Symbols = "a matrix that is not symmetric is an error: its eigenvalues may not be real",
        Source = "Golub and Van Loan 2013, Matrix computations, section 8.3",
        Gradient = "None here: vectors of equal λ are not unique",
        IsDifferentiable = false,
        Example = "a[3,3]s",
        Evaluate = Evaluate,
    };

    private static Values Evaluate(FormulaCall call)
    {
        DenseMatrix a = Decompositions.Read(call, "eigen", square: true);
        int n = a.RowCount;
        Check.That(SymmetryTest.Holds(call["a"], n), "eigen", $"the matrix must be symmetric, but it is not");
        MathNet.Numerics.LinearAlgebra.Factorization.Evd<double> factors = a.Evd(MathNet.Numerics.LinearAlgebra.Symmetricity.Symmetric);
        Values y = new(n + 1, n);
        for (int i = 0; i < n; i++)
        {
            y.Data[i] = (float)factors.EigenValues[i].Real;
            double sign = Decompositions.Sign(factors.EigenVectors.Column(i));
            for (int j = 0; j < n; j++)
                y.Data[(i + 1) * n + j] = (float)(sign * factors.EigenVectors[j, i]);
        }
        return y;
    }
}
