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
    // Rows whose sums stay in registers.
    private const int CompiledRows = 4;

    /// <summary>Whether <see cref="GeneratedQuantizedTile"/> multiplies here, whatever the rows.</summary>
    public static bool IsGenerated => GeneratedQuantizedTile.Obstacle is null;

    /// <summary>The most rows of one step.</summary>
    public static int MostRows => IsGenerated ? GeneratedQuantizedCode.MostRows : CompiledRows;

    private const int Lanes = 8, Group = 64;

    /// <summary>The instructions in use for whole numbers up to some largest one, in words.</summary>
    public static string Instructions(int largest) => IsGenerated ? "AVX-512 VNNI"
        : AvxVnni.IsSupported ? "AVX-VNNI"
        : !Avx2.IsSupported ? "portable"
        : largest <= PairsDot.Largest ? "AVX2" : "AVX2, signs moved";

    /// <summary>What these instructions leave in a sum of whole numbers for each unit of Σ q: the offset, or nothing where they take it off themselves.</summary>
    public static int OffsetLeft(QuantizedLayout layout) => TakesOffset(layout.Largest) ? 0 : layout.Offset;

    /// <summary>c = x·Wᵀ for one panel, begun or gone on with.</summary>
    /// <param name="rows">Rows of x: one to four.</param>
    /// <param name="x">The rounded rows.</param>
    /// <param name="row">The first of them.</param>
    /// <param name="largest">The largest whole number of the weight.</param>
    /// <param name="w">The columns; their numbers are bytes, [parts · columns of a part / 4, 64].</param>
    /// <param name="c">[rows, 16].</param>
    /// <param name="stride">Elements from a row of c to the next.</param>
    public static void Multiply(int rows, in RoundedRows x, int row, int largest, in QuantizedOperands w, float* c, nint stride)
    {
        if (AvxVnni.IsSupported)
            Multiply<WideningDot>(rows, x, row, w, c, stride);
        else if (!Avx2.IsSupported)
            Multiply<PlainDot>(rows, x, row, w, c, stride);
        else if (largest <= PairsDot.Largest)
            Multiply<PairsDot>(rows, x, row, w, c, stride);
        else
            Multiply<SignsDot>(rows, x, row, w, c, stride);
    }

    // Signs are moved where u − 128 is what is multiplied.
    private static bool TakesOffset(int largest) => !IsGenerated && !AvxVnni.IsSupported && Avx2.IsSupported && largest > PairsDot.Largest;

    private static void Multiply<TDot>(int rows, in RoundedRows x, int row, in QuantizedOperands w, float* c, nint stride)
        where TDot : struct, IQuantizedDot
    {
        switch (rows)
        {
            case 1: Multiply<TDot, One>(x, row, w, c, stride); break;
            case 2: Multiply<TDot, Two>(x, row, w, c, stride); break;
            case 3: Multiply<TDot, Three>(x, row, w, c, stride); break;
            default: Multiply<TDot, Four>(x, row, w, c, stride); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TDot, TRows>(in RoundedRows x, int row, in QuantizedOperands w, float* c, nint stride)
        where TDot : struct, IQuantizedDot where TRows : struct, IRows
    {
        int groups = x.PerPart / 4, turn = x.PerPart == QuantizedLayout.Block ? 0 : 1;
        nint columns = x.Columns, blocks = x.Columns / QuantizedLayout.Block, all = x.Parts;
        int first = w.First, parts = w.Parts, lines = (w.Lines + turn) >> turn;
        byte* numbers = (byte*)w.Numbers, next = (byte*)w.Next;
        float* scales = (float*)w.Scales, minima = (float*)w.Minima;
        sbyte* q = x.Numbers + row * columns + (nint)first * x.PerPart;
        float* scale = x.Scales + row * blocks;
        int* start = x.Starts + row * all + first;
        float* sum = x.Sums + row * all + first;
        Vector256<float> c00 = Vector256.Load(c), c01 = Vector256.Load(c + Lanes);
        Vector256<float> c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        if (TRows.Count > 1)
            (c10, c11) = (Vector256.Load(c + stride), Vector256.Load(c + stride + Lanes));
        if (TRows.Count > 2)
            (c20, c21) = (Vector256.Load(c + 2 * stride), Vector256.Load(c + 2 * stride + Lanes));
        if (TRows.Count > 3)
            (c30, c31) = (Vector256.Load(c + 3 * stride), Vector256.Load(c + 3 * stride + Lanes));
        for (int part = 0; part < parts; part++, scales += 2 * Lanes)
        {
            Vector256<int> a00 = Vector256.Create(start[part]), a01 = a00, a10 = default, a11 = default, a20 = default, a21 = default, a30 = default, a31 = default;
            if (TRows.Count > 1)
                a10 = a11 = Vector256.Create(start[all + part]);
            if (TRows.Count > 2)
                a20 = a21 = Vector256.Create(start[2 * all + part]);
            if (TRows.Count > 3)
                a30 = a31 = Vector256.Create(start[3 * all + part]);
            for (int group = 0; group < groups; group += 2, numbers += 2 * Group, q += 8)
            {
                Vector256<byte> u0 = Vector256.Load(numbers), u1 = Vector256.Load(numbers + 32);
                Vector256<byte> v0 = Vector256.Load(numbers + Group), v1 = Vector256.Load(numbers + Group + 32);
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
            for (int line = 0; line < lines; line++, next += Group)
                Sse.Prefetch0(next);
            int block = (first + part) >> turn;
            Vector256<float> s0 = Vector256.Load(scales), s1 = Vector256.Load(scales + Lanes);
            Add(ref c00, ref c01, a00, a01, s0, s1, scale[block]);
            if (TRows.Count > 1)
                Add(ref c10, ref c11, a10, a11, s0, s1, scale[blocks + block]);
            if (TRows.Count > 2)
                Add(ref c20, ref c21, a20, a21, s0, s1, scale[2 * blocks + block]);
            if (TRows.Count > 3)
                Add(ref c30, ref c31, a30, a31, s0, s1, scale[3 * blocks + block]);
            if (minima != null)
            {
                Vector256<float> m0 = Vector256.Load(minima), m1 = Vector256.Load(minima + Lanes);
                minima += 2 * Lanes;
                AddMinimum(ref c00, ref c01, m0, m1, sum[part]);
                if (TRows.Count > 1)
                    AddMinimum(ref c10, ref c11, m0, m1, sum[all + part]);
                if (TRows.Count > 2)
                    AddMinimum(ref c20, ref c21, m0, m1, sum[2 * all + part]);
                if (TRows.Count > 3)
                    AddMinimum(ref c30, ref c31, m0, m1, sum[3 * all + part]);
            }
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
    internal static Vector256<sbyte> Quad(sbyte* q) => Vector256.Create(*(int*)q).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Add(ref Vector256<float> left, ref Vector256<float> right, Vector256<int> a, Vector256<int> b, Vector256<float> s, Vector256<float> t,
        float scale)
    {
        Vector256<float> own = Vector256.Create(scale);
        left = Vector256.FusedMultiplyAdd(s * own, Vector256.ConvertToSingle(a), left);
        right = Vector256.FusedMultiplyAdd(t * own, Vector256.ConvertToSingle(b), right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void AddMinimum(ref Vector256<float> left, ref Vector256<float> right, Vector256<float> m, Vector256<float> n, float sum)
    {
        Vector256<float> own = Vector256.Create(sum);
        left = Vector256.FusedMultiplyAdd(m, own, left);
        right = Vector256.FusedMultiplyAdd(n, own, right);
    }

    internal static void Store(Vector256<float> left, Vector256<float> right, float* c)
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
