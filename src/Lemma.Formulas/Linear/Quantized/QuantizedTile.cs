using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>The innermost step of a product with a quantized weight: one to four rounded rows times an unpacked panel of 16 rows of the weight.</summary>
/// <remarks>
/// Whole numbers are summed for a part of 32 or 16 columns, exactly; then c = fma(s·s_x, sum, c), and c = fma(m, s_x·Σ q, c) where there are minima:
/// one chain along the columns, whatever the instructions, the rows beside it or the split over threads.
/// </remarks>
internal static unsafe class QuantizedTile
{
    /// <summary>The most rows of one step.</summary>
    public const int MostRows = 4;

    private const int Lanes = 8, Group = 64;

    /// <summary>The instructions in use for whole numbers up to some largest one, in words.</summary>
    public static string Instructions(int largest) => AvxVnni.IsSupported ? "AVX-VNNI"
        : !Avx2.IsSupported ? "portable"
        : largest <= PairsDot.Largest ? "AVX2" : "AVX2, signs moved";

    /// <summary>What these instructions leave in a sum of whole numbers for each unit of Σ q: the offset, or nothing where they take it off themselves.</summary>
    public static int OffsetLeft(QuantizedLayout layout) => TakesOffset(layout.Largest) ? 0 : layout.Offset;

    /// <summary>c = x·Wᵀ for one panel, begun or gone on with.</summary>
    /// <param name="rows">Rows of x: one to four.</param>
    /// <param name="x">The rounded rows.</param>
    /// <param name="row">The first of them.</param>
    /// <param name="first">The first part of theirs, with which 32 columns begin.</param>
    /// <param name="parts">Parts.</param>
    /// <param name="largest">The largest whole number of the weight.</param>
    /// <param name="bits">Bits that they have where they lie: 8 when they were unpacked.</param>
    /// <param name="numbers">Their place, from the first column on.</param>
    /// <param name="scales">[parts, 16].</param>
    /// <param name="minima">[parts, 16], or null.</param>
    /// <param name="c">[rows, 16].</param>
    /// <param name="stride">Elements from a row of c to the next.</param>
    /// <param name="next">What is read next, fetched meanwhile: where few rows wait for memory; or null.</param>
    /// <param name="lines">Lines of it for each 32 columns.</param>
    public static void Multiply(int rows, in RoundedRows x, int row, int first, int parts, int largest, int bits, byte* numbers, float* scales, float* minima,
        float* c, nint stride, byte* next = null, int lines = 0)
    {
        Call call = new(row, first, parts, numbers, scales, minima, c, stride, next, lines);
        switch (bits)
        {
            case 2: Multiply<TwoBits>(rows, x, call, largest); break;
            case 3: Multiply<ThreeBits>(rows, x, call, largest); break;
            case 4: Multiply<FourBits>(rows, x, call, largest); break;
            case 5: Multiply<FiveBits>(rows, x, call, largest); break;
            case 6: Multiply<SixBits>(rows, x, call, largest); break;
            default: Multiply<EightBits>(rows, x, call, largest); break;
        }
    }

    private readonly struct Call(int row, int first, int parts, byte* numbers, float* scales, float* minima, float* c, nint stride, byte* next, int lines)
    {
        public int Row => row;

        public int First => first;

        public int Parts => parts;

        public byte* Numbers => numbers;

        public float* Scales => scales;

        public float* Minima => minima;

        public float* C => c;

        public nint Stride => stride;

        public byte* Next => next;

        public int Lines => lines;
    }

    // Signs are moved where u − 128 is what is multiplied.
    private static bool TakesOffset(int largest) => !AvxVnni.IsSupported && Avx2.IsSupported && largest > PairsDot.Largest;

    private static void Multiply<TNumbers>(int rows, in RoundedRows x, in Call call, int largest)
        where TNumbers : struct, IPackedNumbers
    {
        if (AvxVnni.IsSupported)
            Multiply<TNumbers, WideningDot>(rows, x, call);
        else if (!Avx2.IsSupported)
            Multiply<TNumbers, PlainDot>(rows, x, call);
        else if (largest <= PairsDot.Largest)
            Multiply<TNumbers, PairsDot>(rows, x, call);
        else
            Multiply<TNumbers, SignsDot>(rows, x, call);
    }

    private static void Multiply<TNumbers, TDot>(int rows, in RoundedRows x, in Call call)
        where TNumbers : struct, IPackedNumbers where TDot : struct, IQuantizedDot
    {
        switch (rows)
        {
            case 1: Multiply<TNumbers, TDot, One>(x, call); break;
            case 2: Multiply<TNumbers, TDot, Two>(x, call); break;
            case 3: Multiply<TNumbers, TDot, Three>(x, call); break;
            default: Multiply<TNumbers, TDot, Four>(x, call); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TNumbers, TDot, TRows>(in RoundedRows x, in Call call)
        where TNumbers : struct, IPackedNumbers where TDot : struct, IQuantizedDot where TRows : struct, IRows
    {
        bool isHalf = x.PerPart < QuantizedLayout.Block;
        nint columns = x.Columns, blocks = x.Columns / QuantizedLayout.Block, all = x.Parts, stride = call.Stride;
        int first = isHalf ? call.First / 2 : call.First, count = isHalf ? call.Parts / 2 : call.Parts, lines = call.Lines;
        byte* numbers = call.Numbers, next = call.Next;
        sbyte* q = x.Numbers + call.Row * columns + (nint)first * QuantizedLayout.Block;
        float* own = x.Scales + call.Row * blocks + first, sum = x.Sums + call.Row * all + call.First;
        float* scales = call.Scales, minima = call.Minima, c = call.C;
        int* start = x.Starts + call.Row * all + call.First;
        Vector256<float> c00 = Vector256.Load(c), c01 = Vector256.Load(c + Lanes);
        Vector256<float> c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        if (TRows.Count > 1)
            (c10, c11) = (Vector256.Load(c + stride), Vector256.Load(c + stride + Lanes));
        if (TRows.Count > 2)
            (c20, c21) = (Vector256.Load(c + 2 * stride), Vector256.Load(c + 2 * stride + Lanes));
        if (TRows.Count > 3)
            (c30, c31) = (Vector256.Load(c + 3 * stride), Vector256.Load(c + 3 * stride + Lanes));
        for (int block = 0; block < count; block++, numbers += Group * TNumbers.Bits, q += QuantizedLayout.Block, own++)
        {
            Vector256<int> a00 = default, a01 = default, a10 = default, a11 = default, a20 = default, a21 = default, a30 = default, a31 = default;
            Begin<TRows>(start, all, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
            Groups<TNumbers, TDot, TRows>(numbers, 0, q, columns, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
            Groups<TNumbers, TDot, TRows>(numbers, 2, q, columns, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
            if (isHalf)
            {
                End<TRows>(ref scales, ref minima, own, blocks, sum, all, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31,
                    a00, a01, a10, a11, a20, a21, a30, a31);
                start++;
                sum++;
                Begin<TRows>(start, all, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
            }
            Groups<TNumbers, TDot, TRows>(numbers, 4, q, columns, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
            Groups<TNumbers, TDot, TRows>(numbers, 6, q, columns, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
            for (int line = 0; line < lines; line++, next += Group)
                Sse.Prefetch0(next);
            End<TRows>(ref scales, ref minima, own, blocks, sum, all, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31,
                a00, a01, a10, a11, a20, a21, a30, a31);
            start++;
            sum++;
        }
        Store(c00, c01, c);
        if (TRows.Count > 1)
            Store(c10, c11, c + stride);
        if (TRows.Count > 2)
            Store(c20, c21, c + 2 * stride);
        if (TRows.Count > 3)
            Store(c30, c31, c + 3 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Begin<TRows>(int* start, nint parts, ref Vector256<int> a00, ref Vector256<int> a01, ref Vector256<int> a10, ref Vector256<int> a11,
        ref Vector256<int> a20, ref Vector256<int> a21, ref Vector256<int> a30, ref Vector256<int> a31)
        where TRows : struct, IRows
    {
        a00 = a01 = Vector256.Create(*start);
        if (TRows.Count > 1)
            a10 = a11 = Vector256.Create(start[parts]);
        if (TRows.Count > 2)
            a20 = a21 = Vector256.Create(start[2 * parts]);
        if (TRows.Count > 3)
            a30 = a31 = Vector256.Create(start[3 * parts]);
    }

    // Two groups of four columns, for all rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Groups<TNumbers, TDot, TRows>(byte* numbers, int group, sbyte* q, nint columns, ref Vector256<int> a00, ref Vector256<int> a01,
        ref Vector256<int> a10, ref Vector256<int> a11, ref Vector256<int> a20, ref Vector256<int> a21, ref Vector256<int> a30, ref Vector256<int> a31)
        where TNumbers : struct, IPackedNumbers where TDot : struct, IQuantizedDot where TRows : struct, IRows
    {
        Vector256<byte> u0 = TNumbers.Group(numbers, group), u1 = TNumbers.Group(numbers + 32, group);
        Vector256<byte> v0 = TNumbers.Group(numbers, group + 1), v1 = TNumbers.Group(numbers + 32, group + 1);
        q += 4 * group;
        Vector256<sbyte> y = Quad(q), z = Quad(q + 4);
        a00 = TDot.Two(a00, u0, y, v0, z);
        a01 = TDot.Two(a01, u1, y, v1, z);
        if (TRows.Count > 1)
        {
            (y, z) = (Quad(q + columns), Quad(q + columns + 4));
            a10 = TDot.Two(a10, u0, y, v0, z);
            a11 = TDot.Two(a11, u1, y, v1, z);
        }
        if (TRows.Count > 2)
        {
            (y, z) = (Quad(q + 2 * columns), Quad(q + 2 * columns + 4));
            a20 = TDot.Two(a20, u0, y, v0, z);
            a21 = TDot.Two(a21, u1, y, v1, z);
        }
        if (TRows.Count > 3)
        {
            (y, z) = (Quad(q + 3 * columns), Quad(q + 3 * columns + 4));
            a30 = TDot.Two(a30, u0, y, v0, z);
            a31 = TDot.Two(a31, u1, y, v1, z);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End<TRows>(ref float* scales, ref float* minima, float* own, nint blocks, float* sum, nint parts, ref Vector256<float> c00,
        ref Vector256<float> c01, ref Vector256<float> c10, ref Vector256<float> c11, ref Vector256<float> c20, ref Vector256<float> c21,
        ref Vector256<float> c30, ref Vector256<float> c31, Vector256<int> a00, Vector256<int> a01, Vector256<int> a10, Vector256<int> a11,
        Vector256<int> a20, Vector256<int> a21, Vector256<int> a30, Vector256<int> a31)
        where TRows : struct, IRows
    {
        Vector256<float> s0 = Vector256.Load(scales), s1 = Vector256.Load(scales + Lanes);
        scales += 2 * Lanes;
        Add(ref c00, ref c01, a00, a01, s0, s1, *own);
        if (TRows.Count > 1)
            Add(ref c10, ref c11, a10, a11, s0, s1, own[blocks]);
        if (TRows.Count > 2)
            Add(ref c20, ref c21, a20, a21, s0, s1, own[2 * blocks]);
        if (TRows.Count > 3)
            Add(ref c30, ref c31, a30, a31, s0, s1, own[3 * blocks]);
        if (minima == null)
            return;
        Vector256<float> m0 = Vector256.Load(minima), m1 = Vector256.Load(minima + Lanes);
        minima += 2 * Lanes;
        AddMinimum(ref c00, ref c01, m0, m1, *sum);
        if (TRows.Count > 1)
            AddMinimum(ref c10, ref c11, m0, m1, sum[parts]);
        if (TRows.Count > 2)
            AddMinimum(ref c20, ref c21, m0, m1, sum[2 * parts]);
        if (TRows.Count > 3)
            AddMinimum(ref c30, ref c31, m0, m1, sum[3 * parts]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Quad(sbyte* q) => Vector256.Create(*(int*)q).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(ref Vector256<float> left, ref Vector256<float> right, Vector256<int> a, Vector256<int> b, Vector256<float> s, Vector256<float> t,
        float scale)
    {
        Vector256<float> own = Vector256.Create(scale);
        left = Vector256.FusedMultiplyAdd(s * own, Vector256.ConvertToSingle(a), left);
        right = Vector256.FusedMultiplyAdd(t * own, Vector256.ConvertToSingle(b), right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddMinimum(ref Vector256<float> left, ref Vector256<float> right, Vector256<float> m, Vector256<float> n, float sum)
    {
        Vector256<float> own = Vector256.Create(sum);
        left = Vector256.FusedMultiplyAdd(m, own, left);
        right = Vector256.FusedMultiplyAdd(n, own, right);
    }

    private static void Store(Vector256<float> left, Vector256<float> right, float* c)
    {
        left.Store(c);
        right.Store(c + Lanes);
    }

    private interface IRows
    {
        static abstract int Count { get; }
    }

    private readonly struct One : IRows
    {
        public static int Count => 1;
    }

    private readonly struct Two : IRows
    {
        public static int Count => 2;
    }

    private readonly struct Three : IRows
    {
        public static int Count => 3;
    }

    private readonly struct Four : IRows
    {
        public static int Count => 4;
    }
}
