using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Products with quantized weights: the bits of plain loops, for every layout, one row as many, split as whole.</summary>
[Trait("Kernels", "true")]
public sealed unsafe class QuantizedProductTests
{
    public static TheoryData<string> Names => [.. QuantizedCases.All.Select(layout => layout.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void HasTheBitsOfPlainLoops(string name)
    {
        QuantizedLayout layout = QuantizedCases.All.Single(layout => layout.Name == name);
        foreach ((int m, int n, int columns) in new[] { (1, 16, 256), (2, 5, 512), (3, 33, 768), (4, 48, 1280), (9, 31, 256), (26, 17, 256) })
        {
            QuantizedCases weight = new(layout, n, columns, seed: m);
            float[] x = QuantizedCases.Rows(m, columns), expected = weight.Multiply(x, m), start = QuantizedCases.Rows(m, n);
            Assert.Equal(expected, Product(weight, x, m, 0, m, null, null));
            float[] bias = QuantizedCases.Rows(1, n);
            float[] more = weight.Multiply(x, m, start);
            for (int i = 0; i < more.Length; i++)
                more[i] += bias[i % n];
            Assert.Equal(more, Product(weight, x, m, 0, m, start, bias));
            for (int row = 0; row < m; row++)
                Assert.Equal(expected[(row * n)..((row + 1) * n)], Product(weight, x, m, row, 1, null, null));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ARowComesBackFromItsPanel(string name)
    {
        QuantizedLayout layout = QuantizedCases.All.Single(layout => layout.Name == name);
        QuantizedCases weight = new(layout, 19, 512, seed: 3);
        for (int row = 0; row < 19; row++)
        {
            float[] copy = new float[512];
            fixed (byte* panels = weight.Panels)
                QuantizedPanel.CopyRow(layout, panels + row / 16 * layout.PanelBytes(512), 512, row % 16, copy);
            Assert.Equal(weight.Values[(row * 512)..((row + 1) * 512)], copy);
        }
    }

    [Fact]
    public void EdgesOfNumbersAreExact()
    {
        // −128, which a quantizer of 8 bits does not make, beside the largest activations: a pair of products of instructions that saturate.
        QuantizedLayout layout = QuantizedCases.All[0];
        QuantizedCases weight = new(layout, 16, 64, seed: 1, number: 0);
        float[] x = [.. Enumerable.Repeat(-1f, 64)];
        float[] y = Product(weight, x, 1, 0, 1, null, null);
        Assert.Equal(weight.Multiply(x, 1), y);
        x[5] = float.NaN;
        Assert.All(Product(weight, x, 1, 0, 1, null, null), value => Assert.True(float.IsNaN(value)));
        x[5] = 1e-40f;
        x.AsSpan().Fill(1e-40f);
        Assert.All(Product(weight, x, 1, 0, 1, null, null), value => Assert.Equal(0, value));
    }

    private static float[] Product(QuantizedCases weight, float[] x, int m, int first, int count, float[]? start, float[]? bias)
    {
        int n = weight.N, columns = weight.Columns;
        QuantizedLayout layout = weight.Layout;
        using NativeBlock memory = new("test", RoundedRows.FloatsFor(m, columns, layout.Part)), result = new("test", (long)count * n), input = new("test", x.Length);
        RoundedRows rounded = new(memory.Pointer, m, columns, layout.Part);
        x.CopyTo(input.Span(0, x.Length));
        for (int row = 0; row < m; row++)
            rounded.Round(row, input.Pointer + row * columns, QuantizedTile.OffsetLeft(layout));
        start.AsSpan().CopyTo(result.Span(0, count * n));
        fixed (byte* panels = weight.Panels)
        fixed (float* b = bias)
            QuantizedProduct.Multiply(layout, panels, n, columns, rounded, first, count, result.Pointer, n, start is not null, b);
        return result.Span(0, count * n).ToArray();
    }
}
