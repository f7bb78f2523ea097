using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>A product writes its own rows and columns and not an element more, whatever the tile's height.</summary>
[Trait("Kernels", "true")]
public unsafe class MatrixEdgeTests
{
    private const int Guard = 13 * 40;

    [Theory]
    [InlineData(32, 8)]
    [InlineData(33, 5)]
    [InlineData(64, 400)]
    public void NothingBesideTheResultIsWritten(int n, int k)
    {
        for (int m = 1; m <= 26; m++)
        {
            float[] a = new float[m * k], b = new float[k * n], c = new float[m * n + Guard];
            Array.Fill(a, 0.5f);
            Array.Fill(b, 0.25f);
            Array.Fill(c, -7f);
            fixed (float* left = a, right = b, result = c)
                MatrixProduct.Multiply(m, n, k, Matrix.Rows(left, k), Matrix.Rows(right, n), result, n, add: false);
            Assert.All(c[..(m * n)], value => Assert.Equal(0.125f * k, value));
            Assert.All(c[(m * n)..], value => Assert.Equal(-7f, value));
        }
    }
}
