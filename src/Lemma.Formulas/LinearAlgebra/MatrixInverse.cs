using DenseMatrix = MathNet.Numerics.LinearAlgebra.Double.DenseMatrix;

namespace Lemma.Formulas;

/// <summary>A·A⁻¹ = I.</summary>
/// <remarks>
/// a, A⁻¹: [n, n]; a singular matrix is an error that gives its smallest and largest singular value. Golub and Van Loan 2013, Matrix
/// computations, section 3.4.
/// </remarks>
public static class MatrixInverse
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "matrix_inverse",
        Group = "Linear algebra",
        Text = "A·A⁻¹ = I",
        Shapes = "a, A⁻¹: [n, n]",
        Symbols = "a singular matrix is an error that gives its smallest and largest singular value",
        Source = "Golub and Van Loan 2013, Matrix computations, section 3.4",
        Gradient = "dA −= A⁻ᵀ·dC·A⁻ᵀ",
        Example = "a[3,3]",
        Evaluate = Evaluate,
    };

    private static Values Evaluate(FormulaCall call)
    {
        DenseMatrix a = Decompositions.Read(call, "matrix_inverse", square: true);
        double[] singular = [.. a.Svd(computeVectors: false).S];
        double largest = singular[0], smallest = singular[^1];
        Check.That(smallest > largest * 1e-13, "matrix_inverse",
            $"the matrix is singular: its singular values reach from {Math.Abs(smallest):G4} to {Math.Abs(largest):G4}");
        MathNet.Numerics.LinearAlgebra.Matrix<double> inverse = a.Inverse();
        Values y = Decompositions.Write(inverse);
        if (call.Backward(y, out float[]? dy))
        {
            DenseMatrix up = DenseMatrix.Create(y.Rows, y.Columns, (i, j) => dy[i * y.Columns + j]);
            Decompositions.Add(-(inverse.Transpose() * up * inverse.Transpose()), call.Gradient("a"));
        }
        return y;
    }
}
