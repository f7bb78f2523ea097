namespace Lemma.Formulas;

/// <summary>C = A·B or C += A·B for whole row-major matrices in spans, either operand transposed.</summary>
/// <remarks>For formulas made of products; the kernel is <see cref="MatrixProduct"/>.</remarks>
public static unsafe class SpanProduct
{
    // Rows of a block of a Gram matrix.
    private const int GramRows = 96;

    /// <summary>C [m, n] = A·B, or += when <paramref name="add"/>; a transposed operand lies in memory as its transpose.</summary>
    public static void Multiply(int m, int n, int k, ReadOnlySpan<float> a, bool transposeA, ReadOnlySpan<float> b, bool transposeB,
        Span<float> c, bool add = false)
    {
        Check.SameLength("matrix_product", (long)m * k, a.Length);
        Check.SameLength("matrix_product", (long)k * n, b.Length);
        Check.SameLength("matrix_product", (long)m * n, c.Length);
        if (c.IsEmpty)
            return;
        fixed (float* pa = a, pb = b, pc = c)
        {
            Matrix left = transposeA ? Matrix.Rows(pa, m).Transposed : Matrix.Rows(pa, k);
            Matrix right = transposeB ? Matrix.Rows(pb, k).Transposed : Matrix.Rows(pb, n);
            MatrixProduct.Multiply(m, n, k, left, right, pc, n, add);
        }
    }

    /// <summary>C [n, n] = X·Xᵀ of X [n, k]: the half above the diagonal is computed, by blocks of rows, and copied to the other.</summary>
    internal static void Gram(int n, int k, ReadOnlySpan<float> x, Span<float> c)
    {
        Check.SameLength("matrix_product", (long)n * k, x.Length);
        Check.SameLength("matrix_product", (long)n * n, c.Length);
        fixed (float* px = x, pc = c)
        {
            Matrix rows = Matrix.Rows(px, k);
            for (int i = 0; i < n; i += GramRows)
            {
                int count = Math.Min(GramRows, n - i), rest = n - i - count;
                float* corner = pc + (nint)i * n + i;
                MatrixProduct.Multiply(count, n - i, k, rows.From(i, 0), rows.From(i, 0).Transposed, corner, n, add: false);
                MatrixTranspose.Transpose(corner + count, n, count, rest, corner + (nint)count * n, n, add: false);
            }
        }
    }

    /// <summary>The operations of <see cref="Gram"/>: those of the half above the diagonal, and of the blocks on it.</summary>
    internal static double GramOperations(int n, int k)
    {
        double sum = 0;
        for (int i = 0; i < n; i += GramRows)
            sum += 2.0 * Math.Min(GramRows, n - i) * (n - i) * k;
        return sum;
    }

    /// <summary>A new array A·B.</summary>
    internal static float[] New(int m, int n, int k, ReadOnlySpan<float> a, bool transposeA, ReadOnlySpan<float> b, bool transposeB)
    {
        float[] c = new float[m * n];
        Multiply(m, n, k, a, transposeA, b, transposeB, c);
        return c;
    }
}
