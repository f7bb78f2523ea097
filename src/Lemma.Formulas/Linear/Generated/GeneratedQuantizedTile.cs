using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>
/// Products with quantized weights by AVX-512's VNNI, whose instructions .NET does not have: machine code that is written at run time, eighteen functions at a
/// time, when a layout is multiplied first. The sums of <see cref="QuantizedTile"/>, so the same bits.
/// </summary>
internal static unsafe class GeneratedQuantizedTile
{
    private const int Kinds = 4;
    private static readonly Lock Writing = new();
    private static readonly nint[]?[] Written = new nint[9 * Kinds][];

    /// <summary>Why it cannot be used here, or null where it can.</summary>
    public static string? Obstacle { get; } = Missing();

    /// <summary>c = x·Wᵀ for some columns of one panel or two, begun or gone on with.</summary>
    /// <param name="rows">Rows of x: 1 to 12, with two panels to 6.</param>
    /// <param name="x">The rounded rows.</param>
    /// <param name="row">The first of them.</param>
    /// <param name="bits">Bits of the weight's numbers where they lie: 8 when they were unpacked.</param>
    /// <param name="w">The columns.</param>
    /// <param name="c">[rows, 16], of two panels [rows, 32].</param>
    /// <param name="stride">Elements from a row of c to the next.</param>
    public static void Multiply(int rows, in RoundedRows x, int row, int bits, in QuantizedOperands w, float* c, nint stride)
    {
        bool isHalf = x.PerPart < QuantizedLayout.Block, hasMinima = w.Minima != 0;
        int kind = bits * Kinds + (isHalf ? 2 : 0) + (hasMinima ? 1 : 0);
        nint[] functions = Volatile.Read(ref Written[kind]) ?? Write(kind, bits, isHalf, hasMinima);
        QuantizedCall call = new(x, row, w, c, stride);
        ((delegate* unmanaged[SuppressGCTransition]<QuantizedCall*, void>)functions[rows - 1 + (w.Second != 0 ? GeneratedQuantizedCode.MostRows : 0)])(&call);
    }

    private static nint[] Write(int kind, int bits, bool isHalf, bool hasMinima)
    {
        lock (Writing)
        {
            if (Written[kind] is { } there)
                return there;
            MachineCode code = new();
            const int Most = GeneratedQuantizedCode.MostRows;
            nint[] functions = new nint[Most + Most / 2];
            for (int i = 0; i < functions.Length; i++)
            {
                functions[i] = GeneratedQuantizedCode.Write(code, bits, isHalf, hasMinima, i < Most ? i + 1 : i - Most + 1, i < Most ? 1 : 2,
                    OperatingSystem.IsWindows());
            }
            byte* start = CodePages.Load(code.Bytes);
            if (start == null)
                throw new InvalidOperationException("quantized: the system gave executable memory before and refuses it now");
            for (int i = 0; i < functions.Length; i++)
                functions[i] += (nint)start;
            Volatile.Write(ref Written[kind], functions);
            return functions;
        }
    }

    // GeneratedTile has asked for memory and run code of its own.
    private static string? Missing()
    {
        const int VectorNeuralNetwork = 1 << 11;
        return GeneratedTile.Obstacle ?? ((X86Base.CpuId(7, 0).Ecx & VectorNeuralNetwork) != 0 ? null : "the processor has no AVX-512 VNNI");
    }
}
