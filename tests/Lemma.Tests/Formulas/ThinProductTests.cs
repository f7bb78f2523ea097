using Lemma.Formulas;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Formulas;

/// <summary>Products with few columns, and gradients with few rows, have the bits of their chains written out.</summary>
[Trait("Kernels", "true")]
public unsafe class ThinProductTests
{
    private const float Guard = -7;

    [Theory]
    [InlineData(8, 16, 5), InlineData(9, 16, 384), InlineData(23, 16, 385), InlineData(31, 1, 40), InlineData(40, 7, 800), InlineData(16, 15, 130)]
    [InlineData(7, 16, 50), InlineData(24, 17, 60), InlineData(100, 16, 1600)]
    public void EveryElementIsItsChain(int m, int n, int k)
    {
        foreach ((bool inColumns, bool turned, bool add, bool inOneChain) in (ReadOnlySpan<(bool, bool, bool, bool)>)
            [(false, false, false, false), (false, true, true, false), (true, false, true, false), (true, false, false, true), (true, false, true, true)])
        {
            int stride = n + 3, apart = k + 2, across = Math.Max(m, n) + 1;
            float[] left = OperationCheck.Random(Math.Max(m * apart, k * across), 1), right = OperationCheck.Random(Math.Max(n * apart, k * across), 2),
                before = OperationCheck.Random(m * stride, 3), c = [.. before];
            fixed (float* a = left, b = right, to = c)
            {
                Matrix first = inColumns ? Matrix.Rows(a, across).Transposed : Matrix.Rows(a, apart),
                    second = turned ? Matrix.Rows(b, apart).Transposed : Matrix.Rows(b, across);
                MatrixProduct.Multiply(m, n, k, first, second, to, stride, add, inOneChain: inOneChain);
                for (int i = 0; i < m; i++)
                    for (int j = 0; j < stride; j++)
                        Assert.Equal(j >= n ? before[i * stride + j] : Chain(first, second, i, j, k, add ? before[i * stride + j] : 0, inOneChain), c[i * stride + j]);
            }
        }
    }

    /// <summary>The gradient of a matrix of few rows: upᵀ·x in one chain, which further rows continue, within columns of a wider one.</summary>
    [Theory]
    [InlineData(16, 40), InlineData(5, 33), InlineData(12, 100), InlineData(1, 8)]
    public void AGradientOfFewRowsGoesOnWithItsChain(int rank, int inputs)
    {
        const int Rows = 300, First = 130;
        float[] up = OperationCheck.Random(Rows * rank, 1), x = OperationCheck.Random(Rows * inputs, 2), whole = new float[rank * inputs + 1],
            parts = new float[rank * inputs + 1];
        whole[^1] = parts[^1] = Guard;
        fixed (float* u = up, read = x, one = whole, two = parts)
        {
            Matrix a = Matrix.Rows(u, rank).Transposed, b = Matrix.Rows(read, inputs);
            MatrixProduct.Multiply(rank, inputs, Rows, a, b, one, inputs, add: false, inOneChain: true);
            MatrixProduct.Multiply(rank, inputs, First, a, b, two, inputs, add: false, inOneChain: true);
            MatrixProduct.Multiply(rank, inputs, Rows - First, a.From(0, First), b.From(First, 0), two, inputs, add: true, inOneChain: true);
            Assert.Equal(Chain(a, b, rank - 1, inputs - 1, Rows, 0, true), whole[rank * inputs - 1]);
        }
        Assert.Equal(whole, parts);
        Assert.Equal(Guard, whole[^1]);
    }

    private static float Chain(Matrix a, Matrix b, int i, int j, int k, float before, bool inOneChain)
    {
        float total = before;
        for (int step = 0; step < k;)
        {
            int end = inOneChain ? k : Math.Min(k, step + Tile.Depth);
            float sum = inOneChain ? total : 0;
            for (; step < end; step++)
                sum = MathF.FusedMultiplyAdd(*a.At(i, step), *b.At(step, j), sum);
            total = inOneChain ? sum : sum + total;
        }
        return total;
    }
}
