using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Lemma.Formulas;

/// <summary>A = U·Σ·Vᵀ.</summary>
/// <remarks>
/// a: [m, n]; result: [m + n + 1, k], k = min(m, n): first σ falling, then U [m, k], then V [n, k]; U and V have orthonormal columns; σ ≥
/// 0. In double. Golub and Van Loan 2013, Matrix computations, section 2.4.
/// </remarks>
public static class SingularValues
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "svd",
        Group = "Linear algebra",
        Text = "A = U·Σ·Vᵀ",
        Latex = @"A = U\Sigma V^\top",
        Shapes = "a: [m, n]; result: [m + n + 1, k], k = min(m, n): first σ falling, then U [m, k], then V [n, k]",
        Symbols = "U and V have orthonormal columns, the largest component of one of U is positive; σ ≥ 0",
        Source = "Golub and Van Loan 2013, Matrix computations, section 2.4",
        Gradient = "None here: vectors of equal σ are not unique",
        IsDifferentiable = false,
        Example = "a[4,3]",
        Evaluate = Evaluate,
    };

    /// <summary>σ falling [k], U [m, k] and V [n, k] of A [m, n], k = min(m, n).</summary>
    public static void Forward(ReadOnlySpan<double> a, int m, int n, Span<double> sigma, Span<double> u, Span<double> v)
    {
        Decompositions.CheckInput("svd", a, m, n);
        int k = Math.Min(m, n);
        Check.SameLength("svd", k, sigma.Length);
        Check.SameLength("svd", m * k, u.Length);
        Check.SameLength("svd", n * k, v.Length);
        Svd<double> factors = Decompositions.Of(a, m, n).Svd(computeVectors: true);
        for (int i = 0; i < k; i++)
        {
            sigma[i] = factors.S[i];
            double sign = Decompositions.Sign(factors.U.Column(i));
            for (int row = 0; row < m; row++)
                u[row * k + i] = sign * factors.U[row, i];
            for (int row = 0; row < n; row++)
                v[row * k + i] = sign * factors.VT[i, row];
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        double[] a = Decompositions.Read(call, "svd", square: false, out int m, out int n);
        int k = Math.Min(m, n);
        double[] y = new double[(m + n + 1) * k];
        Forward(a, m, n, y.AsSpan(0, k), y.AsSpan(k, m * k), y.AsSpan((m + 1) * k));
        return new Values([m + n + 1, k], y);
    }
}
