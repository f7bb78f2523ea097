using Lemma.Formulas;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Formulas;

/// <summary>A weight that lies in panels gives the bits of the same weight in rows, and comes back from there unchanged.</summary>
[Trait("Kernels", "true")]
public unsafe class WeightPanelTests
{
    private const int Guard = 40;

    [Theory]
    [InlineData(1, 1), InlineData(1, 7), InlineData(1, 383), InlineData(1, 384), InlineData(1, 900), InlineData(2, 5), InlineData(4, 400), InlineData(5, 64)]
    [InlineData(12, 385), InlineData(13, 31), InlineData(25, 384), InlineData(144, 70), InlineData(147, 500), InlineData(300, 40), InlineData(30, 1601)]
    public void PanelsHaveTheBitsOfRows(int m, int k)
    {
        foreach (int panels in (int[])[1, 2, 3, 19])
        {
            int n = panels * Tile.Columns;
            float[] a = OperationCheck.Random(m * k, 1), rows = OperationCheck.Random(n * k, 2), bias = OperationCheck.Random(n, 3),
                before = OperationCheck.Random(m * n, 4);
            float[] weight = [.. rows, .. Enumerable.Repeat(-7f, Guard)];
            fixed (float* left = a, right = rows, turned = weight, added = bias)
            {
                for (int panel = 0; panel < WeightPanels.Count(n); panel++)
                    WeightPanels.Arrange(turned, k, panel);
                foreach ((bool add, bool hasBias) in ((bool, bool)[])[(false, false), (true, false), (false, true), (true, true)])
                {
                    float[] expected = [.. before], actual = [.. before, .. Enumerable.Repeat(-7f, Guard)];
                    fixed (float* to = expected, other = actual)
                    {
                        MatrixProduct.Multiply(m, n, k, Matrix.Rows(left, k), Matrix.Rows(right, k).Transposed, to, n, add, hasBias ? added : null);
                        MatrixProduct.Multiply(m, n, k, Matrix.Rows(left, k), Matrix.Panels(turned, k), other, n, add, hasBias ? added : null);
                    }
                    Assert.Equal(expected, actual[..^Guard]);
                    Assert.All(actual[^Guard..], value => Assert.Equal(-7f, value));
                }
                float[] row = new float[k];
                WeightPanels.CopyRow(turned, k, n - 3, row);
                Assert.Equal(rows[((n - 3) * k)..((n - 2) * k)], row);
                for (int panel = 0; panel < WeightPanels.Count(n); panel++)
                    WeightPanels.Restore(turned, k, panel);
            }
            Assert.Equal(rows, weight[..^Guard]);
            Assert.All(weight[^Guard..], value => Assert.Equal(-7f, value));
        }
    }

    [Fact]
    public void PanelsHaveNoTranspose()
    {
        float[] weight = new float[Tile.Columns * 3];
        fixed (float* at = weight)
        {
            Matrix panels = Matrix.Panels(at, 3);
            Assert.Throws<InvalidOperationException>(() => panels.Transposed);
        }
    }
}
