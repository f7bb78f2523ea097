using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>Rows of floats rounded to whole numbers of 8 bits, −127 to 127, by blocks of 32: x ≈ s·q, s = max |x| / 127.</summary>
/// <remarks>
/// Ties go to the even number. A block with a NaN or an infinity has the scale NaN, so its row's products are NaN; one whose largest is below 1e-32 is 0.
/// Rows lie one after the other, each part for all rows before the next part; beside them stand what products with a layout begin each sum of whole
/// numbers with (−offset·Σ q), and, where it has minima, s·Σ q, for each part of the layout.
/// </remarks>
internal readonly unsafe struct RoundedRows
{
    private const float Tiny = 1e-32f;

    /// <summary>A place for some rows.</summary>
    /// <param name="memory">64-byte aligned, of <see cref="FloatsFor"/>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns, a multiple of 32.</param>
    /// <param name="part">Columns of one scale of the layout.</param>
    public RoundedRows(float* memory, int rows, int columns, int part)
    {
        (Columns, Parts, PerPart) = (columns, columns / part, part);
        Numbers = (sbyte*)memory;
        Scales = memory + (nint)rows * (columns / 4);
        Starts = (int*)(Scales + (nint)rows * (columns / QuantizedLayout.Block));
        Sums = (float*)(Starts + (nint)rows * Parts);
    }

    /// <summary>Floats of memory for some rows.</summary>
    public static long FloatsFor(int rows, int columns, int part) => (long)rows * (columns / 4 + columns / QuantizedLayout.Block + 2 * (columns / part));

    /// <summary>Columns of a row.</summary>
    public int Columns { get; }

    /// <summary>Parts of a row.</summary>
    public int Parts { get; }

    /// <summary>Columns of a part: 32 or 16.</summary>
    public int PerPart { get; }

    /// <summary>q, [rows, columns].</summary>
    public sbyte* Numbers { get; }

    /// <summary>s, [rows, columns / 32].</summary>
    public float* Scales { get; }

    /// <summary>−offset·Σ q, [rows, parts].</summary>
    public int* Starts { get; }

    /// <summary>s·Σ q, [rows, parts].</summary>
    public float* Sums { get; }

    /// <summary>Rounds one row.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="x">[columns].</param>
    /// <param name="offset">The offset that the product's instructions leave in its sums.</param>
    /// <remarks>Four blocks at a time: what is one number a block, the largest, scales and sums, is then computed for four together.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Round(int row, float* x, int offset)
    {
        const int Block = QuantizedLayout.Block, Infinity = 0x7F800000;
        int blocks = Columns / Block, perBlock = Block / PerPart;
        sbyte* q = Numbers + (nint)row * Columns;
        float* scales = Scales + (nint)row * blocks, sums = Sums + (nint)row * Parts;
        int* starts = Starts + (nint)row * Parts;
        for (int block = 0, count; block < blocks; block += count, x += count * Block, q += count * Block, scales += count)
        {
            count = Math.Min(4, blocks - block);
            Vector128<int> m0 = Largest(x), m1 = default, m2 = default, m3 = default;
            if (count > 1)
                m1 = Largest(x + Block);
            if (count > 2)
                m2 = Largest(x + 2 * Block);
            if (count > 3)
                m3 = Largest(x + 3 * Block);
            Transpose(ref m0, ref m1, ref m2, ref m3);
            // Floats without a sign are ordered as their bits are, a NaN above all.
            Vector128<int> bits = Vector128.Max(Vector128.Max(m0, m1), Vector128.Max(m2, m3)), isFinite = Vector128.LessThan(bits, Vector128.Create(Infinity));
            Vector128<float> largest = bits.AsSingle(), most = Vector128.Create(127f), isTiny = Vector128.LessThan(largest, Vector128.Create(Tiny));
            Vector128<float> scale = Vector128.ConditionalSelect(isFinite.AsSingle(), Vector128.AndNot(largest / most, isTiny), Vector128.Create(float.NaN));
            Vector128<float> inverse = Vector128.AndNot(most / largest, isTiny);
            Vector128<int> l0 = default, l1 = default, l2 = default, l3 = default, r0 = default, r1 = default, r2 = default, r3 = default;
            Round(x, q, inverse[0], isFinite[0], ref l0, ref r0);
            if (count > 1)
                Round(x + Block, q + Block, inverse[1], isFinite[1], ref l1, ref r1);
            if (count > 2)
                Round(x + 2 * Block, q + 2 * Block, inverse[2], isFinite[2], ref l2, ref r2);
            if (count > 3)
                Round(x + 3 * Block, q + 3 * Block, inverse[3], isFinite[3], ref l3, ref r3);
            Transpose(ref l0, ref l1, ref l2, ref l3);
            Transpose(ref r0, ref r1, ref r2, ref r3);
            Vector128<int> left = l0 + l1 + l2 + l3, right = r0 + r1 + r2 + r3;
            for (int i = 0; i < count; i++)
            {
                scales[i] = scale[i];
                int sum = perBlock == 1 ? left[i] + right[i] : left[i];
                (*starts++, *sums++) = (-offset * sum, scale[i] * sum);
                if (perBlock > 1)
                    (*starts++, *sums++) = (-offset * right[i], scale[i] * right[i]);
            }
        }
    }

    // The largest |x| of 32, in four parts.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Largest(float* x)
    {
        Vector512<int> bits = Vector512.Create(int.MaxValue);
        Vector512<int> sixteen = Vector512.Max(Vector512.Load((int*)x) & bits, Vector512.Load((int*)x + 16) & bits);
        Vector256<int> eight = Vector256.Max(sixteen.GetLower(), sixteen.GetUpper());
        return Vector128.Max(eight.GetLower(), eight.GetUpper());
    }

    // Sums of the first and the second 16 whole numbers, in four parts each.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(float* x, sbyte* q, float inverse, int isFinite, ref Vector128<int> left, ref Vector128<int> right)
    {
        Vector512<int> first = Whole(x, inverse, isFinite), second = Whole(x + 16, inverse, isFinite);
        Narrow(first).Store(q);
        Narrow(second).Store(q + 16);
        (left, right) = (Quarter(first), Quarter(second));
    }

    // 1.5·2²³ is added: the sum's lowest bit is then 1, and it is rounded to the nearest, ties to the even one. What is no number becomes 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Whole(float* x, float inverse, int isFinite)
    {
        const float OneIsLowest = 12582912f;
        Vector512<float> scaled = Vector512.Load(x) * inverse;
        return ((scaled + Vector512.Create(OneIsLowest)).AsInt32() - Vector512.Create(OneIsLowest).AsInt32()) & Vector512.Create(isFinite);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Narrow(Vector512<int> x)
    {
        if (Avx512F.IsSupported)
            return Avx512F.ConvertToVector128SByte(x);
        Vector256<short> words = Vector256.Narrow(x.GetLower(), x.GetUpper());
        return Vector128.Narrow(words.GetLower(), words.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Quarter(Vector512<int> x)
    {
        Vector256<int> half = x.GetLower() + x.GetUpper();
        return half.GetLower() + half.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(ref Vector128<int> a, ref Vector128<int> b, ref Vector128<int> c, ref Vector128<int> d)
    {
        if (!Sse2.IsSupported)
        {
            (a, b, c, d) = (Vector128.Create(a[0], b[0], c[0], d[0]), Vector128.Create(a[1], b[1], c[1], d[1]),
                Vector128.Create(a[2], b[2], c[2], d[2]), Vector128.Create(a[3], b[3], c[3], d[3]));
            return;
        }
        Vector128<long> low = Sse2.UnpackLow(a, b).AsInt64(), high = Sse2.UnpackHigh(a, b).AsInt64();
        Vector128<long> below = Sse2.UnpackLow(c, d).AsInt64(), above = Sse2.UnpackHigh(c, d).AsInt64();
        (a, b) = (Sse2.UnpackLow(low, below).AsInt32(), Sse2.UnpackHigh(low, below).AsInt32());
        (c, d) = (Sse2.UnpackLow(high, above).AsInt32(), Sse2.UnpackHigh(high, above).AsInt32());
    }
}
