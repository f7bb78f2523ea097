using MathNet.Numerics.LinearAlgebra;
using DenseMatrix = MathNet.Numerics.LinearAlgebra.Double.DenseMatrix;

namespace Lemma.Formulas;

/// <summary>Matrices in double, checked, and for MathNet.Numerics, which decomposes them.</summary>
internal static class Decompositions
{
    /// <summary>The input a, a matrix that is not empty, with all its digits.</summary>
    public static double[] Read(FormulaCall call, string formula, bool square, out int rows, out int columns)
    {
        Values a = call.Input("a", -1, -1);
        Check.That(a.Count > 0, formula, $"the matrix must not be empty, but it is {a}");
        Check.That(!square || a.Rows == a.Columns, formula, $"the matrix must be square, but it is {a}");
        (rows, columns) = (a.Rows, a.Columns);
        return a.Exact;
    }

    /// <summary>A matrix must have its length and finite numbers.</summary>
    public static void CheckInput(string formula, ReadOnlySpan<double> a, int rows, int columns)
    {
        Check.That(rows > 0 && columns > 0, formula, $"the matrix must not be empty, but it is [{rows}, {columns}]");
        Check.SameLength(formula, rows * columns, a.Length);
        for (int i = 0; i < a.Length; i++)
        {
            if (!double.IsFinite(a[i]))
                Check.That(false, formula, $"the matrix must be finite, but element {i} is {a[i]}");
        }
    }

    /// <summary>Rows one after another as a matrix.</summary>
    public static DenseMatrix Of(ReadOnlySpan<double> a, int rows, int columns)
    {
        double[] byColumns = new double[a.Length];
        for (int i = 0; i < a.Length; i++)
            byColumns[i % columns * rows + i / columns] = a[i];
        return new DenseMatrix(rows, columns, byColumns);
    }

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
}
