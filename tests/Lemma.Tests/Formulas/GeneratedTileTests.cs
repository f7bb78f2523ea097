using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>The tile whose code is written at run time has the bits of the compiled one, and touches what that one touches.</summary>
[Trait("Kernels", "true")]
public unsafe class GeneratedTileTests
{
    private const float Untouched = -7f;

    // Called as on Linux, calls as on Windows what stands behind it, with given values in xmm6 to xmm10, and stores what is there then:
    // push rbx; sub rsp, 64; mov rbx, [rsp+80]; vmovups xmm6, [rbx] … xmm10, [rbx+64]; mov [rsp+32], r8; mov [rsp+40], r9; mov r9, rcx;
    // mov r8, rdx; mov rdx, rsi; mov rcx, rdi; call behind; vmovups [rbx], xmm6 … [rbx+64], xmm10; mov [rbx+80], rsi;
    // mov [rbx+88], rdi; add rsp, 64; pop rbx; ret
    internal static ReadOnlySpan<byte> CallAsOnWindows =>
    [
        0x53, 0x48, 0x83, 0xEC, 0x40, 0x48, 0x8B, 0x5C, 0x24, 0x50, 0xC5, 0xF8, 0x10, 0x33, 0xC5, 0xF8, 0x10, 0x7B, 0x10, 0xC5, 0x78, 0x10,
        0x43, 0x20, 0xC5, 0x78, 0x10, 0x4B, 0x30, 0xC5, 0x78, 0x10, 0x53, 0x40, 0x4C, 0x89, 0x44, 0x24, 0x20, 0x4C, 0x89, 0x4C, 0x24, 0x28,
        0x49, 0x89, 0xC9, 0x49, 0x89, 0xD0, 0x48, 0x89, 0xF2, 0x48, 0x89, 0xF9, 0xE8, 0x26, 0x00, 0x00, 0x00, 0xC5, 0xF8, 0x11, 0x33, 0xC5,
        0xF8, 0x11, 0x7B, 0x10, 0xC5, 0x78, 0x11, 0x43, 0x20, 0xC5, 0x78, 0x11, 0x4B, 0x30, 0xC5, 0x78, 0x11, 0x53, 0x40, 0x48, 0x89, 0x73,
        0x50, 0x48, 0x89, 0x7B, 0x58, 0x48, 0x83, 0xC4, 0x40, 0x5B, 0xC3,
    ];

    public static TheoryData<int, int, int> Cases { get; } = MakeCases();

    [Theory]
    [MemberData(nameof(Cases))]
    public void TheBitsAreThoseOfTheCompiledTile(int k, int mode, int stride)
    {
        SkipWithoutTile();
        for (int rows = 1; rows <= Tile512.Rows; rows++)
        {
            (float[] a, float[] b, float[] expected, float[] actual) = Operands(k, stride);
            fixed (float* left = a, right = b, compiled = expected, generated = actual)
            {
                Tile512.Multiply(rows, k, left, right, compiled, stride, (Into)mode);
                GeneratedTile.Multiply(rows, k, left, right, generated, stride, (Into)mode);
            }
            AssertSameBits(expected, actual);
            Assert.NotEqual(Untouched, actual[0]);
        }
    }

    [Theory]
    [InlineData(1, 31)]
    [InlineData(2, 7)]
    [InlineData(4, 384)]
    [InlineData(8, 31)]
    [InlineData(12, 384)]
    public void NothingBesideRowsAndColumnsIsWritten(int rows, int k)
    {
        SkipWithoutTile();
        const int Stride = 35;
        (float[] a, float[] b, _, float[] c) = Operands(k, Stride);
        fixed (float* left = a, right = b, result = c)
            GeneratedTile.Multiply(rows, k, left, right, result, Stride, Into.Replace);
        for (int i = 0; i < c.Length; i++)
            Assert.Equal(i / Stride < rows && i % Stride < Tile512.Columns, c[i] != Untouched);
    }

    [Theory]
    [InlineData(12)]
    [InlineData(8)]
    [InlineData(1)]
    public void CodeForWindowsComputesTheSameAndKeepsItsRegisters(int rows)
    {
        SkipWithoutTile();
        if (OperatingSystem.IsWindows())
            Assert.Skip("there every test calls this code");
        MachineCode code = new();
        Assert.Equal(0, GeneratedTileCode.Write(code, rows, windows: true));
        byte* start = CodePages.Load([.. CallAsOnWindows, .. code.Bytes]);
        Assert.True(start != null);
        const int K = 31, Stride = 33;
        foreach (Into into in Enum.GetValues<Into>())
        {
            float[] kept = RegistersToKeep();
            (float[] a, float[] b, float[] expected, float[] actual) = Operands(K, Stride);
            fixed (float* left = a, right = b, compiled = expected, generated = actual, registers = kept)
            {
                Tile512.Multiply(rows, K, left, right, compiled, Stride, into);
                ((delegate* unmanaged<nint, float*, float*, float*, nint, nint, float*, void>)start)(
                    K, left, right, generated, sizeof(float) * Stride, (nint)into, registers);
                AssertKept(kept, K, (nint)left);
            }
            AssertSameBits(expected, actual);
        }
    }

    /// <summary>What xmm6 to xmm10 have before a call as on Windows, and room for rsi and rdi after it.</summary>
    internal static float[] RegistersToKeep() => [.. Enumerable.Range(1, 24).Select(i => (float)i)];

    /// <summary>They are what they were; rdi and rsi are the caller's first two arguments, as on Linux.</summary>
    internal static void AssertKept(float[] registers, nint rdi, nint rsi)
    {
        Assert.Equal(RegistersToKeep()[..20], registers[..20]);
        Assert.Equal([rsi, rdi], MemoryMarshal.Cast<float, nint>(registers.AsSpan(20)).ToArray());
    }

    [Fact]
    public void NoStepsGiveZeroOrLeaveWhatWasThere()
    {
        SkipWithoutTile();
        (float[] a, float[] b, _, float[] c) = Operands(1, Tile512.Columns);
        fixed (float* left = a, right = b, result = c)
        {
            GeneratedTile.Multiply(12, 0, left, right, result, Tile512.Columns, Into.Add);
            Assert.All(c, value => Assert.Equal(Untouched, value));
            GeneratedTile.Multiply(12, 0, left, right, result, Tile512.Columns, Into.Continue);
            Assert.All(c, value => Assert.Equal(Untouched, value));
            GeneratedTile.Multiply(12, 0, left, right, result, Tile512.Columns, Into.Replace);
            Assert.All(c[..(12 * Tile512.Columns)], value => Assert.Equal(0f, value));
        }
    }

    // The runtime's own look at the processor and the system, with all of its switches, is the oracle.
    [Fact]
    public void TheProcessorIsSeenAsTheRuntimeSeesIt()
    {
        Assert.Equal(Avx512F.IsSupported, GeneratedTile.Obstacle == null);
        if (Environment.GetEnvironmentVariable("DOTNET_EnableAVX512") == "0")
            Assert.Equal("DOTNET_EnableAVX512 is 0", GeneratedTile.Obstacle);
    }

    [Fact]
    public void TheTileInUseIsSaid()
    {
        string expected = Avx512F.IsSupported ? "12 x 32, AVX-512" : Avx.IsSupported ? "6 x 16, AVX2" : "12 x 32, 128-bit vectors";
        Assert.Equal(expected, MatrixProduct.Instructions);
        Assert.StartsWith($"{Tile.Rows} x {Tile.Columns},", MatrixProduct.Instructions, StringComparison.Ordinal);
    }

    [Fact]
    public void AnOffsetBetweenVectorsIsRefused()
    {
        Assert.Throws<ArgumentException>(() => new MachineCode().Load(0, Register.Rdx, 4));
        Assert.Throws<OverflowException>(() => new MachineCode().Broadcast(0, Register.R11, 512));
    }

    private static TheoryData<int, int, int> MakeCases()
    {
        TheoryData<int, int, int> cases = [];
        foreach (int k in (ReadOnlySpan<int>)[1, 2, 31, 384])
        {
            foreach (int stride in (ReadOnlySpan<int>)[32, 33, 1000])
            {
                foreach (Into into in Enum.GetValues<Into>())
                    cases.Add(k, (int)into, stride);
            }
        }
        return cases;
    }

    private static void SkipWithoutTile()
    {
        if (GeneratedTile.Obstacle is string obstacle)
            Assert.Skip(obstacle);
    }

    private static (float[] A, float[] B, float[] Expected, float[] Actual) Operands(int k, int stride)
    {
        Random random = new(k + stride);
        float[] a = [.. Enumerable.Range(0, k * Tile512.Rows).Select(_ => random.NextSingle() - 0.5f)];
        float[] b = [.. Enumerable.Range(0, k * Tile512.Columns).Select(_ => random.NextSingle() - 0.5f)];
        float[] c = new float[(Tile512.Rows + 2) * stride];
        Array.Fill(c, Untouched);
        return (a, b, c, [.. c]);
    }

    private static void AssertSameBits(float[] expected, float[] actual) =>
        Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), actual.Select(BitConverter.SingleToInt32Bits));
}
