using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Round(int row, float* x, int offset)
    {
        sbyte* q = Numbers + (nint)row * Columns;
        float* scales = Scales + (nint)row * (Columns / QuantizedLayout.Block);
        int* starts = Starts + (nint)row * Parts;
        float* sums = Sums + (nint)row * Parts;
        for (int block = 0; block < Columns / QuantizedLayout.Block; block++, x += 32, q += 32)
        {
            Vector512<float> low = Vector512.Load(x), high = Vector512.Load(x + 16);
            Vector512<float> most = Vector512.Max(Vector512.Abs(low), Vector512.Abs(high));
            float largest = Largest(most);
            float scale = largest < Tiny ? 0 : largest / 127, inverse = largest < Tiny ? 0 : 127 / largest;
            if (!float.IsFinite(largest))
                (scale, inverse) = (float.NaN, 0);
            Vector512<int> first = Whole(low, inverse), second = Whole(high, inverse);
            Vector256<short> a = Narrow(first), b = Narrow(second);
            Vector256.Narrow(a, b).Store(q);
            scales[block] = scale;
            int left = Vector512.Sum(first), right = Vector512.Sum(second);
            if (PerPart == QuantizedLayout.Block)
            {
                starts[block] = -offset * (left + right);
                sums[block] = scale * (left + right);
            }
            else
            {
                (starts[2 * block], starts[2 * block + 1]) = (-offset * left, -offset * right);
                (sums[2 * block], sums[2 * block + 1]) = (scale * left, scale * right);
            }
        }
    }

    private static Vector256<short> Narrow(Vector512<int> x) => Vector256.Narrow(x.GetLower(), x.GetUpper());

    // A NaN times 0 would be converted to any number.
    private static Vector512<int> Whole(Vector512<float> x, float inverse) =>
        inverse == 0 ? Vector512<int>.Zero : Vector512.ConvertToInt32(Vector512.Round(x * inverse, MidpointRounding.ToEven));

    // The largest of any order is the same; a NaN wins.
    private static float Largest(Vector512<float> x)
    {
        Vector256<float> eight = Vector256.Max(x.GetLower(), x.GetUpper());
        Vector128<float> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return float.Max(four[0], four[1]);
    }
}
