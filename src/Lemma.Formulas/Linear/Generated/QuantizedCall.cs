using System.Runtime.InteropServices;

namespace Lemma.Formulas;

/// <summary>What a function of <see cref="GeneratedQuantizedCode"/> is called with, 64 bits each; it counts some of them on.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct QuantizedCall
{
    /// <summary>Where the code finds each of them.</summary>
    public static readonly Place Numbers = At(0), Scales = At(1), Minima = At(2), Rows = At(3), Scale = At(4), Starts = At(5), Sums = At(6), C = At(7),
        Columns = At(8), BlockStride = At(9), PartStride = At(10), Stride = At(11), Blocks = At(12), Next = At(13), Lines = At(14), Second = At(15);

    private readonly nint numbers, scales, minima;
    private readonly sbyte* rows;
    private readonly float* scale;
    private readonly int* starts;
    private readonly float* sums, c;
    private readonly nint columns, blockStride, partStride, stride, blocks, next, lines, second;

    /// <summary>A call for some rows.</summary>
    /// <param name="x">The rounded rows.</param>
    /// <param name="row">The first of them.</param>
    /// <param name="w">The columns of the weight.</param>
    /// <param name="c">[rows, 16], of two panels [rows, 32].</param>
    /// <param name="stride">Elements from a row of c to the next.</param>
    public QuantizedCall(in RoundedRows x, int row, in QuantizedOperands w, float* c, nint stride)
    {
        bool isHalf = x.PerPart < QuantizedLayout.Block;
        int first = isHalf ? w.First / 2 : w.First;
        (numbers, scales, minima, next, lines, second) = (w.Numbers, w.Scales, w.Minima, w.Next, w.Lines, w.Second);
        (columns, blockStride, partStride) = (x.Columns, x.Columns / QuantizedLayout.Block * sizeof(float), x.Parts * sizeof(float));
        rows = x.Numbers + row * columns + (nint)first * QuantizedLayout.Block;
        scale = (float*)((byte*)x.Scales + row * blockStride) + first;
        starts = (int*)((byte*)x.Starts + row * partStride) + w.First;
        sums = (float*)((byte*)x.Sums + row * partStride) + w.First;
        this.c = c;
        (this.stride, blocks) = (stride * sizeof(float), isHalf ? w.Parts / 2 : w.Parts);
    }

    private static Place At(int field) => new(Register.Rcx, field * sizeof(long));
}
