using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>One rounded row times a panel whose numbers are unpacked in registers, since nobody reads them again: the sums of <see cref="QuantizedTile"/>.</summary>
internal static unsafe class QuantizedRowTile
{
    private const int Lanes = 8, Group = 64;

    /// <summary>c = x·Wᵀ for some columns of one panel, begun or gone on with.</summary>
    /// <param name="layout">The layout of the weight, which has no table.</param>
    /// <param name="x">The rounded rows.</param>
    /// <param name="row">Which of them.</param>
    /// <param name="w">The columns; their numbers lie as in the panel.</param>
    /// <param name="c">[16].</param>
    public static void Multiply(QuantizedLayout layout, in RoundedRows x, int row, in QuantizedOperands w, float* c)
    {
        switch (layout.Bits)
        {
            case 2: Multiply<TwoBits>(layout, x, row, w, c); break;
            case 3: Multiply<ThreeBits>(layout, x, row, w, c); break;
            case 4: Multiply<FourBits>(layout, x, row, w, c); break;
            case 5: Multiply<FiveBits>(layout, x, row, w, c); break;
            case 6: Multiply<SixBits>(layout, x, row, w, c); break;
            default: Multiply<EightBits>(layout, x, row, w, c); break;
        }
    }

    private static void Multiply<TNumbers>(QuantizedLayout layout, in RoundedRows x, int row, in QuantizedOperands w, float* c)
        where TNumbers : struct, IPackedNumbers
    {
        if (AvxVnni.IsSupported)
            Multiply<TNumbers, WideningDot>(x, row, w, c);
        else if (!Avx2.IsSupported)
            Multiply<TNumbers, PlainDot>(x, row, w, c);
        else if (layout.Largest <= PairsDot.Largest)
            Multiply<TNumbers, PairsDot>(x, row, w, c);
        else
            Multiply<TNumbers, SignsDot>(x, row, w, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TNumbers, TDot>(in RoundedRows x, int row, in QuantizedOperands w, float* c)
        where TNumbers : struct, IPackedNumbers where TDot : struct, IQuantizedDot
    {
        bool isHalf = x.PerPart < QuantizedLayout.Block;
        int first = isHalf ? w.First / 2 : w.First, blocks = isHalf ? w.Parts / 2 : w.Parts;
        nint columns = x.Columns, parts = x.Parts;
        sbyte* q = x.Numbers + row * columns + (nint)first * QuantizedLayout.Block;
        float* scale = x.Scales + row * (columns / QuantizedLayout.Block) + first, sum = x.Sums + row * parts + w.First;
        int* start = x.Starts + row * parts + w.First;
        byte* numbers = (byte*)w.Numbers, next = (byte*)w.Next;
        float* scales = (float*)w.Scales, minima = (float*)w.Minima;
        Vector256<float> left = Vector256.Load(c), right = Vector256.Load(c + Lanes);
        for (int block = 0; block < blocks; block++, numbers += Group * TNumbers.Bits, q += QuantizedLayout.Block, scale++)
        {
            Vector256<int> a = Vector256.Create(*start++), b = a;
            if (isHalf)
            {
                Groups<TNumbers, TDot>(numbers, 0, 1, q, ref a, ref b);
                Groups<TNumbers, TDot>(numbers, 2, 3, q, ref a, ref b);
                End(ref left, ref right, a, b, ref scales, ref minima, *scale, sum++);
                a = b = Vector256.Create(*start++);
                Groups<TNumbers, TDot>(numbers, 4, 5, q, ref a, ref b);
                Groups<TNumbers, TDot>(numbers, 6, 7, q, ref a, ref b);
            }
            else
            {
                // Those that lie above each other, so that they are loaded once.
                Groups<TNumbers, TDot>(numbers, 0, 4, q, ref a, ref b);
                Groups<TNumbers, TDot>(numbers, 1, 5, q, ref a, ref b);
                Groups<TNumbers, TDot>(numbers, 2, 6, q, ref a, ref b);
                Groups<TNumbers, TDot>(numbers, 3, 7, q, ref a, ref b);
            }
            for (int line = 0; line < w.Lines; line++, next += Group)
                Sse.Prefetch0(next);
            End(ref left, ref right, a, b, ref scales, ref minima, *scale, sum++);
        }
        QuantizedTile.Store(left, right, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Groups<TNumbers, TDot>(byte* numbers, int one, int other, sbyte* q, ref Vector256<int> a, ref Vector256<int> b)
        where TNumbers : struct, IPackedNumbers where TDot : struct, IQuantizedDot
    {
        Vector256<sbyte> y = QuantizedTile.Quad(q + 4 * one), z = QuantizedTile.Quad(q + 4 * other);
        a = TDot.Two(a, TNumbers.Group(numbers, one), y, TNumbers.Group(numbers, other), z);
        b = TDot.Two(b, TNumbers.Group(numbers + Group / 2, one), y, TNumbers.Group(numbers + Group / 2, other), z);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End(ref Vector256<float> left, ref Vector256<float> right, Vector256<int> a, Vector256<int> b, ref float* scales, ref float* minima,
        float scale, float* sum)
    {
        QuantizedTile.Add(ref left, ref right, a, b, Vector256.Load(scales), Vector256.Load(scales + Lanes), scale);
        scales += 2 * Lanes;
        if (minima == null)
            return;
        QuantizedTile.AddMinimum(ref left, ref right, Vector256.Load(minima), Vector256.Load(minima + Lanes), *sum);
        minima += 2 * Lanes;
    }
}
