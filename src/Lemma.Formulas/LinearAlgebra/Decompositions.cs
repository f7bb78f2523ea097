using MathNet.Numerics.LinearAlgebra;
using DenseMatrix = MathNet.Numerics.LinearAlgebra.Double.DenseMatrix;

namespace Lemma.Formulas;

/// <summary>Matrices in double to and from MathNet.Numerics, which decomposes them.</summary>
internal static class Decompositions
{
    /// <summary>A matrix input; numbers that are not finite are an error.</summary>
    public static DenseMatrix Read(FormulaCall call, string formula, bool square)
    {
        Values a = call.Input("a", -1, -1);
        Check.That(a.Count > 0, formula, $"the matrix must not be empty, but it is {a}");
        Check.That(!square || a.Rows == a.Columns, formula, $"the matrix must be square, but it is {a}");
        for (int i = 0; i < a.Count; i++)
            Check.That(float.IsFinite(a.Data[i]), formula, $"the matrix must be finite, but element {i} is {a.Data[i]}");
        double[] exact = a.Exact;
        return DenseMatrix.Create(a.Rows, a.Columns, (i, j) => exact[i * a.Columns + j]);
    }

    /// <summary>A matrix as values, row after row.</summary>
    public static Values Write(Matrix<double> matrix) =>
        new([matrix.RowCount, matrix.ColumnCount], [.. matrix.ToRowMajorArray().Select(value => (float)value)]);

    /// <summary>What makes a vector's largest component positive, 1 or −1; the first of those that are as large but for rounding.</summary>
    /// <remarks>Eigenvectors and singular vectors are known up to their sign; this settles it.</remarks>
    public static double Sign(Vector<double> vector)
    {
        double largest = vector.AbsoluteMaximum();
        foreach (double component in vector)
        {
            if (Math.Abs(component) >= (1 - 1e-6) * largest)
                return component < 0 ? -1 : 1;
        }
        return 1;
    }

    /// <summary>Adds a matrix to a gradient.</summary>
    public static void Add(Matrix<double> matrix, Span<float> gradient)
    {
        double[] rows = matrix.ToRowMajorArray();
        for (int i = 0; i < rows.Length; i++)
            gradient[i] += (float)rows[i];
    }
}
