using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Products of whole numbers whose code is written at run time: the bits of plain loops for any rows, Windows' calling convention, nothing beside c.</summary>
[Trait("Kernels", "true")]
public sealed unsafe class GeneratedQuantizedTileTests
{
    private const int Columns = 512, Stride = 35;
    private const float Untouched = -7f;

    public static TheoryData<string> Names => QuantizedProductTests.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void EachNumberOfRowsHasTheBitsOfPlainLoops(string name)
    {
        SkipWithoutTile();
        for (int panels = 1; panels <= 2; panels++)
        {
            for (int rows = 1; rows <= GeneratedQuantizedCode.MostRows / panels; rows++)
            {
                (float[] expected, float[] actual) = Results(name, rows, panels, (call, bits, isHalf, hasMinima) => null);
                Assert.Equal(expected, actual);
            }
        }
    }

    [Theory]
    [InlineData("8 bits", 12, 1)]
    [InlineData("5 bits of 256", 12, 1)]
    [InlineData("6 bits of 256", 7, 1)]
    [InlineData("2 bits of 256", 1, 1)]
    [InlineData("5 bits of 256", 6, 2)]
    [InlineData("8 bits", 3, 2)]
    public void CodeForWindowsComputesTheSameAndKeepsItsRegisters(string name, int rows, int panels)
    {
        SkipWithoutTile();
        if (OperatingSystem.IsWindows())
            Assert.Skip("there every test calls this code");
        float[] kept = GeneratedTileTests.RegistersToKeep();
        (float[] expected, float[] actual) = Results(name, rows, panels, (call, bits, isHalf, hasMinima) =>
        {
            MachineCode code = new();
            Assert.Equal(0, GeneratedQuantizedCode.Write(code, bits, isHalf, hasMinima, rows, panels, windows: true));
            byte* start = CodePages.Load([.. GeneratedTileTests.CallAsOnWindows, .. code.Bytes]);
            Assert.True(start != null);
            fixed (float* registers = kept)
                ((delegate* unmanaged<nint, nint, nint, nint, nint, nint, float*, void>)start)(call, 0, 0, 0, 0, 0, registers);
            GeneratedTileTests.AssertKept(kept, call, 0);
            return true;
        });
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void ItIsUsedWhereTheProcessorHasIt()
    {
        bool has = GeneratedTile.Obstacle is null && (System.Runtime.Intrinsics.X86.X86Base.CpuId(7, 0).Ecx & 1 << 11) != 0;
        Assert.Equal(has, GeneratedQuantizedTile.Obstacle is null);
        Assert.Equal(has, QuantizedTile.Instructions(255) == "AVX-512 VNNI");
        if (Environment.GetEnvironmentVariable("DOTNET_EnableAVX512") == "0")
            Assert.Equal("DOTNET_EnableAVX512 is 0", GeneratedQuantizedTile.Obstacle);
    }

    private delegate bool? Caller(nint call, int bits, bool isHalf, bool hasMinima);

    // One panel or two times some rows, into rows of c that are further apart than the panels are wide.
    private static (float[] Expected, float[] Actual) Results(string name, int rows, int panels, Caller otherwise)
    {
        QuantizedLayout layout = QuantizedCases.All.Single(layout => layout.Name == name);
        int width = panels * QuantizedLayout.Rows;
        QuantizedCases weight = new(layout, width, Columns, seed: rows);
        float[] x = QuantizedCases.Rows(rows, Columns), begun = QuantizedCases.Rows(rows, width), product = weight.Multiply(x, rows, begun);
        float[] expected = new float[(rows + 1) * Stride];
        Array.Fill(expected, Untouched);
        float[] actual = [.. expected];
        for (int row = 0; row < rows; row++)
        {
            product.AsSpan(row * width, width).CopyTo(expected.AsSpan(row * Stride));
            begun.AsSpan(row * width, width).CopyTo(actual.AsSpan(row * Stride));
        }
        using NativeBlock memory = new("test", RoundedRows.FloatsFor(rows, Columns, layout.Part)), unpacked = new("test", panels * Columns * 4),
            scales = new("test", 2 * QuantizedOperands.PanelScales), minima = new("test", 2 * QuantizedOperands.PanelScales), input = new("test", x.Length);
        x.CopyTo(input.Span(0, x.Length));
        RoundedRows rounded = new(memory.Pointer, rows, Columns, layout.Part);
        for (int row = 0; row < rows; row++)
            rounded.Round(row, input.Pointer + row * Columns, layout.Offset);
        fixed (byte* panel = weight.Panels)
        fixed (float* c = actual)
        {
            bool isPacked = layout.Table.Length == 0;
            int bits = isPacked ? layout.Bits : 8;
            byte*[] numbers = new byte*[2];
            for (int i = 0; i < panels; i++)
            {
                byte* from = panel + i * layout.PanelBytes(Columns);
                int scale = i * QuantizedOperands.PanelScales;
                QuantizedPanel.UnpackScales(layout, from, 0, Columns, scales.Pointer + scale, minima.Pointer + scale);
                numbers[i] = isPacked ? QuantizedPanel.NumbersAt(layout, from, Columns, 0)
                    : QuantizedPanel.UnpackNumbers(layout, from, Columns, 0, Columns, (byte*)unpacked.Pointer + i * Columns * 16);
            }
            QuantizedOperands w = new((nint)numbers[0], (nint)scales.Pointer, layout.HasMinima ? (nint)minima.Pointer : 0, 0, Columns / layout.Part,
                (nint)numbers[0], 2, panels > 1 ? (nint)(numbers[1] - numbers[0]) : 0);
            QuantizedCall call = new(rounded, 0, w, c, Stride);
            if (otherwise((nint)(&call), bits, layout.Part == 16, layout.HasMinima) is null)
                GeneratedQuantizedTile.Multiply(rows, rounded, 0, bits, w, c, Stride);
        }
        return (expected, actual);
    }

    private static void SkipWithoutTile()
    {
        if (GeneratedQuantizedTile.Obstacle is string obstacle)
            Assert.Skip(obstacle);
    }
}
