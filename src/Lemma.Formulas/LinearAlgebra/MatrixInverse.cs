using System.Numerics.Tensors;

namespace Lemma.Formulas;

/// <summary>A·A⁻¹ = I.</summary>
/// <remarks>
/// a, A⁻¹: [n, n]; a singular matrix is an error that gives its smallest and largest singular value. In double. Golub and Van Loan
/// 2013, Matrix computations, section 3.4.
/// </remarks>
public static class MatrixInverse
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "matrix_inverse",
        Group = "Linear algebra",
        Text = "A·A⁻¹ = I",
        Latex = @"A A^{-1} = I",
        Shapes = "a, A⁻¹: [n, n]",
        Symbols = "a singular matrix is an error that gives its smallest and largest singular value",
        Source = "Golub and Van Loan 2013, Matrix computations, section 3.4",
        Gradient = "dA −= A⁻ᵀ·dC·A⁻ᵀ",
        Example = "a[3,3]",
        Evaluate = Evaluate,
    };

    // Beyond this condition no digit of the inverse is sure.
    private const double LargestCondition = 1e13;

    /// <summary>A⁻¹ [n, n] of A [n, n].</summary>
    public static void Forward(ReadOnlySpan<double> a, int n, Span<double> inverse)
    {
        Decompositions.CheckInput("matrix_inverse", a, n, n);
        Check.SameLength("matrix_inverse", n * n, inverse.Length);
        a.CopyTo(inverse);
        // ‖A‖·‖A⁻¹‖ by rows is at most n times the condition: the singular values are needed only near the bound.
        if (!Eliminate(inverse, n) || !(n * LargestRow(a, n) * LargestRow(inverse, n) < LargestCondition))
            CheckCondition(a, n);
    }

    /// <summary>dA −= A⁻ᵀ·dC·A⁻ᵀ.</summary>
    public static void Backward(ReadOnlySpan<double> inverse, int n, ReadOnlySpan<float> dc, Span<float> da)
    {
        Check.SameLength("matrix_inverse", n * n, inverse.Length);
        Check.SameLength("matrix_inverse", n * n, dc.Length);
        Check.SameLength("matrix_inverse", n * n, da.Length);
        double[] left = new double[n * n], row = new double[n];
        for (int k = 0; k < n; k++)
        {
            TensorPrimitives.ConvertTruncating(dc.Slice(k * n, n), row.AsSpan());
            for (int i = 0; i < n; i++)
                Lanes.AddScaled(row, inverse[k * n + i], left.AsSpan(i * n, n));
        }
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
                da[i * n + j] -= (float)Lanes.Dot(left.AsSpan(i * n, n), inverse.Slice(j * n, n));
        }
    }

    // Gauss and Jordan in place, the largest pivot of a column first; false when a column has none.
    private static bool Eliminate(Span<double> a, int n)
    {
        int[] pivots = new int[n];
        for (int k = 0; k < n; k++)
        {
            int pivot = k;
            for (int i = k + 1; i < n; i++)
                pivot = Math.Abs(a[i * n + k]) > Math.Abs(a[pivot * n + k]) ? i : pivot;
            pivots[k] = pivot;
            Span<double> row = a.Slice(k * n, n);
            if (pivot != k)
                Swap(row, a.Slice(pivot * n, n));
            double divisor = row[k];
            if (divisor == 0)
                return false;
            row[k] = 1;
            TensorPrimitives.Divide(row, divisor, row);
            for (int i = 0; i < n; i++)
            {
                double factor = a[i * n + k];
                if (i == k || factor == 0)
                    continue;
                a[i * n + k] = 0;
                Lanes.AddScaled(row, -factor, a.Slice(i * n, n));
            }
        }
        // Rows that changed places are columns of the inverse.
        for (int k = n - 1; k >= 0; k--)
        {
            for (int i = 0; i < n && pivots[k] != k; i++)
                (a[i * n + k], a[i * n + pivots[k]]) = (a[i * n + pivots[k]], a[i * n + k]);
        }
        return true;
    }

    private static void Swap(Span<double> one, Span<double> other)
    {
        for (int j = 0; j < one.Length; j++)
            (one[j], other[j]) = (other[j], one[j]);
    }

    private static double LargestRow(ReadOnlySpan<double> a, int n)
    {
        double largest = 0;
        for (int i = 0; i < n; i++)
            largest = Math.Max(largest, TensorPrimitives.SumOfMagnitudes(a.Slice(i * n, n)));
        return largest;
    }

    private static void CheckCondition(ReadOnlySpan<double> a, int n)
    {
        MathNet.Numerics.LinearAlgebra.Vector<double> singular = Decompositions.Of(a, n, n).Svd(computeVectors: false).S;
        double largest = singular[0], smallest = singular[n - 1];
        Check.That(smallest > largest / LargestCondition, "matrix_inverse",
            $"the matrix is singular: its singular values reach from {Math.Abs(smallest):G4} to {Math.Abs(largest):G4}");
    }

    private static Values Evaluate(FormulaCall call)
    {
        double[] a = Decompositions.Read(call, "matrix_inverse", square: true, out int n, out _), inverse = new double[a.Length];
        Forward(a, n, inverse);
        Values y = new([n, n], inverse);
        if (call.Backward(y, out float[]? dy))
            Backward(inverse, n, dy, call.Gradient("a"));
        return y;
    }
}
