namespace Lemma.Formulas;

/// <summary>C = A·B or C += A·B for whole row-major matrices in spans, either operand transposed.</summary>
/// <remarks>For formulas made of products; the kernel is <see cref="MatrixProduct"/>.</remarks>
public static unsafe class SpanProduct
{
    /// <summary>C [m, n] = A·B, or += when <paramref name="add"/>; a transposed operand lies in memory as its transpose.</summary>
    public static void Multiply(int m, int n, int k, ReadOnlySpan<float> a, bool transposeA, ReadOnlySpan<float> b, bool transposeB,
        Span<float> c, bool add = false)
    {
        Check.SameLength("matrix_product", m * k, a.Length);
        Check.SameLength("matrix_product", k * n, b.Length);
        Check.SameLength("matrix_product", m * n, c.Length);
        if (c.IsEmpty)
            return;
        fixed (float* pa = a, pb = b, pc = c)
        {
            Matrix left = transposeA ? Matrix.Rows(pa, m).Transposed : Matrix.Rows(pa, k);
            Matrix right = transposeB ? Matrix.Rows(pb, k).Transposed : Matrix.Rows(pb, n);
            MatrixProduct.Multiply(m, n, k, left, right, pc, n, add);
        }
    }

    /// <summary>A new array A·B.</summary>
    internal static float[] New(int m, int n, int k, ReadOnlySpan<float> a, bool transposeA, ReadOnlySpan<float> b, bool transposeB)
    {
        float[] c = new float[m * n];
        Multiply(m, n, k, a, transposeA, b, transposeB, c);
        return c;
    }
}
