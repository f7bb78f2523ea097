using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>
/// The 12 × 32 tile as machine code that is written at run time: for programs compiled ahead of time, whose compiler may not
/// take the processor to have AVX-512. The same sums in the same order as <see cref="Tile512"/>, so the same bits.
/// </summary>
internal static unsafe class GeneratedTile
{
    // The operating system keeps vectors of 128 bits, 256 and 512, the upper sixteen, and masks.
    private const int KeptState = 0xE6;

    private static readonly delegate* unmanaged[SuppressGCTransition]<nint, float*, float*, float*, nint, nint, void> rows12, rows8, rows4,
        rows2, rows1;

#pragma warning disable CA1810 // The functions lie in one block of memory, so they are made together.
    static GeneratedTile()
#pragma warning restore CA1810
    {
        Obstacle = Missing();
        if (Obstacle != null)
            return;
        MachineCode code = new();
        ReadOnlySpan<int> counts = [12, 8, 4, 2, 1];
        Span<int> places = stackalloc int[counts.Length];
        for (int i = 0; i < counts.Length; i++)
            places[i] = GeneratedTileCode.Write(code, counts[i], OperatingSystem.IsWindows());
        int state = code.Align();
        code.ReadKeptState();
        code.Return();
        byte* start = CodePages.Load(code.Bytes);
        if (start == null)
        {
            Obstacle = "the system refuses executable memory";
            return;
        }
        if ((((delegate* unmanaged[SuppressGCTransition]<int>)(start + state))() & KeptState) != KeptState)
        {
            Obstacle = "the system does not keep AVX-512's registers";
            return;
        }
        rows12 = Function(start + places[0]);
        rows8 = Function(start + places[1]);
        rows4 = Function(start + places[2]);
        rows2 = Function(start + places[3]);
        rows1 = Function(start + places[4]);
    }

    /// <summary>Why the tile cannot be used here, or null where it can.</summary>
    public static string? Obstacle { get; }

    /// <summary>C = A·B, or C += A·B, for the first <paramref name="rows"/> rows of a packed panel of A and one packed panel of B.</summary>
    public static void Multiply(int rows, int k, float* a, float* b, float* c, nint stride, Into into)
    {
        var function = rows switch { > 8 => rows12, > 4 => rows8, > 2 => rows4, 2 => rows2, _ => rows1 };
        function(k, a, b, c, sizeof(float) * stride, (nint)into);
    }

    private static delegate* unmanaged[SuppressGCTransition]<nint, float*, float*, float*, nint, nint, void> Function(byte* place) =>
        (delegate* unmanaged[SuppressGCTransition]<nint, float*, float*, float*, nint, nint, void>)place;

    // Whether the system keeps the registers is asked by generated code, which may only run where xgetbv is there.
    private static string? Missing()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_EnableAVX512") == "0")
            return "DOTNET_EnableAVX512 is 0";
        if (!X86Base.X64.IsSupported || !Avx2.IsSupported || X86Base.CpuId(0, 0).Eax < 7)
            return "the processor has no AVX-512";
        const int KeepsState = 1 << 27;
        const int Foundation = 1 << 16, DoubleQuad = 1 << 17, Conflict = 1 << 28, ByteWord = 1 << 30, Lengths = 1 << 31;
        const int All = Foundation | DoubleQuad | Conflict | ByteWord | Lengths;
        bool keeps = (X86Base.CpuId(1, 0).Ecx & KeepsState) != 0, has = (X86Base.CpuId(7, 0).Ebx & All) == All;
        return keeps && has ? null : "the processor has no AVX-512";
    }
}
