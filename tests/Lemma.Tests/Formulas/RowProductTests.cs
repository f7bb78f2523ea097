using Lemma.Formulas;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Formulas;

/// <summary>A row alone, which is multiplied without packing, has the bits that it has among others.</summary>
[Trait("Kernels", "true")]
public unsafe class RowProductTests
{
    private const int Rows = 13, Guard = 40;

    [Theory]
    [InlineData(15, 8), InlineData(16, 1), InlineData(16, 3), InlineData(17, 4), InlineData(31, 5), InlineData(32, 383), InlineData(48, 384)]
    [InlineData(50, 385), InlineData(100, 800), InlineData(33, 1537), InlineData(64, 1600)]
    public void ARowAloneHasTheBitsOfOneAmongOthers(int n, int k)
    {
        // Rows of the weight lie further apart than they are long, so that a wrong stride is seen.
        int stride = k + 3;
        float[] a = OperationCheck.Random(Rows * k, 1), b = OperationCheck.Random(n * stride, 2), bias = OperationCheck.Random(n, 3),
            before = OperationCheck.Random(n, 4);
        foreach (bool add in (bool[])[false, true])
        {
            foreach (bool hasBias in (bool[])[false, true])
            {
                float[] many = new float[Rows * n], one = new float[n + Guard];
                for (int row = 0; row < Rows; row++)
                    before.CopyTo(many, row * n);
                before.CopyTo(one, 0);
                one.AsSpan(n).Fill(-7);
                fixed (float* left = a, right = b, added = bias, all = many, alone = one)
                {
                    Matrix weight = Matrix.Rows(right, stride).Transposed;
                    MatrixProduct.Multiply(Rows, n, k, Matrix.Rows(left, k), weight, all, n, add, hasBias ? added : null);
                    for (int row = 0; row < Rows; row++)
                    {
                        before.CopyTo(one, 0);
                        MatrixProduct.Multiply(1, n, k, Matrix.Rows(left + row * k, k), weight, alone, n, add, hasBias ? added : null);
                        Assert.Equal(many.AsSpan(row * n, n), one.AsSpan(0, n));
                    }
                }
                Assert.All(one[n..], value => Assert.Equal(-7f, value));
            }
        }
        double exact = 0;
        for (int step = 0; step < k; step++)
            exact += (double)a[step] * b[step];
        float[] result = new float[n];
        fixed (float* left = a, right = b, alone = result)
            MatrixProduct.Multiply(1, n, k, Matrix.Rows(left, k), Matrix.Rows(right, stride).Transposed, alone, n, add: false);
        Assert.Equal(exact, result[0], 1e-4 * Math.Sqrt(k));
    }
}
