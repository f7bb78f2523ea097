using DenseMatrix = MathNet.Numerics.LinearAlgebra.Double.DenseMatrix;

namespace Lemma.Formulas;

/// <summary>A = U·Σ·Vᵀ.</summary>
/// <remarks>
/// a: [m, n]; result: [m + n + 1, k], k = min(m, n): first σ falling, then U [m, k], then V [n, k]; U and V have orthonormal columns; σ ≥
/// 0. Golub and Van Loan 2013, Matrix computations, section 2.4.
/// </remarks>
public static class SingularValues
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "svd",
        Group = "Linear algebra",
        Text = "A = U·Σ·Vᵀ",
        Shapes = "a: [m, n]; result: [m + n + 1, k], k = min(m, n): first σ falling, then U [m, k], then V [n, k]",
        Symbols = "U and V have orthonormal columns, the largest component of one of U is positive; σ ≥ 0",
        Source = "Golub and Van Loan 2013, Matrix computations, section 2.4",
        Gradient = "None here: vectors of equal σ are not unique",
        IsDifferentiable = false,
        Example = "a[4,3]",
        Evaluate = Evaluate,
    };

    private static Values Evaluate(FormulaCall call)
    {
        DenseMatrix a = Decompositions.Read(call, "svd", square: false);
        int m = a.RowCount, n = a.ColumnCount, k = Math.Min(m, n);
        MathNet.Numerics.LinearAlgebra.Factorization.Svd<double> factors = a.Svd(computeVectors: true);
        Values y = new(m + n + 1, k);
        for (int i = 0; i < k; i++)
        {
            y.Data[i] = (float)factors.S[i];
            double sign = Decompositions.Sign(factors.U.Column(i));
            for (int row = 0; row < m; row++)
                y.Data[(1 + row) * k + i] = (float)(sign * factors.U[row, i]);
            for (int row = 0; row < n; row++)
                y.Data[(1 + m + row) * k + i] = (float)(sign * factors.VT[i, row]);
        }
        return y;
    }
}
