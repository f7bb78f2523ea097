using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Lemma.Formulas;

/// <summary>A·x_i = λ_i·x_i.</summary>
/// <remarks>
/// a: [n, n], symmetric; result: [n + 1, n], first the λ rising, then a row x_i each, its largest component positive; a matrix that is not
/// symmetric is an error: its eigenvalues may not be real. In double. Golub and Van Loan 2013, Matrix computations, section 8.3.
/// </remarks>
public static class EigenValues
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "eigen",
        Group = "Linear algebra",
        Text = "A·x_i = λ_i·x_i",
        Latex = @"A x_i = \lambda_i x_i",
        Shapes = "a: [n, n], symmetric; result: [n + 1, n], first the λ rising, then a row x_i each, its largest component positive",
        Symbols = "a matrix that is not symmetric is an error: its eigenvalues may not be real",
        Source = "Golub and Van Loan 2013, Matrix computations, section 8.3",
        Gradient = "None here: vectors of equal λ are not unique",
        IsDifferentiable = false,
        Example = "a[3,3]s",
        Evaluate = Evaluate,
    };

    /// <summary>λ rising [n], and a row x_i each [n, n], of a symmetric A [n, n].</summary>
    public static void Forward(ReadOnlySpan<double> a, int n, Span<double> values, Span<double> vectors)
    {
        Decompositions.CheckInput("eigen", a, n, n);
        Check.SameLength("eigen", n, values.Length);
        Check.SameLength("eigen", n * n, vectors.Length);
        CheckSymmetry(a, n);
        Evd<double> factors = Decompositions.Of(a, n, n).Evd(Symmetricity.Symmetric);
        for (int i = 0; i < n; i++)
        {
            values[i] = factors.EigenValues[i].Real;
            double sign = Decompositions.Sign(factors.EigenVectors.Column(i));
            for (int j = 0; j < n; j++)
                vectors[i * n + j] = sign * factors.EigenVectors[j, i];
        }
    }

    private static void CheckSymmetry(ReadOnlySpan<double> a, int n)
    {
        double largest = 1e-30, apart = 0;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                largest = Math.Max(largest, Math.Max(Math.Abs(a[i * n + j]), Math.Abs(a[j * n + i])));
                apart = Math.Max(apart, Math.Abs(a[i * n + j] - a[j * n + i]));
            }
        }
        Check.That(apart <= 1e-5 * largest, "eigen", $"the matrix must be symmetric, but it is not");
    }

    private static Values Evaluate(FormulaCall call)
    {
        double[] a = Decompositions.Read(call, "eigen", square: true, out int n, out _), y = new double[(n + 1) * n];
        Forward(a, n, y.AsSpan(0, n), y.AsSpan(n));
        return new Values([n + 1, n], y);
    }
}
