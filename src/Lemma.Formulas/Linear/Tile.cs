using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>
/// The innermost step of a matrix product as a value: how many rows of A and columns of B it takes, and the code for this processor.
/// </summary>
/// <remarks>
/// All tiles read the same packed panels, so that the vector's width is the tile's own affair:
/// <code>
/// panel of A: for each k, 12 rows side by side      panel of B: for each k, 32 columns side by side
///   a₀ … a₁₁ | a₀ … a₁₁ | …                           b₀ … b₃₁ | b₀ … b₃₁ | …
/// </code>
/// A panel of A (12 × 384, 18 KB) stays in the first-level cache while panels of B (384 × 32, 48 KB) stream from the second.
/// </remarks>
internal readonly unsafe struct Tile(delegate*<int, int, float*, float*, float*, nint, bool, void> multiply, int exactRows)
{
    /// <summary>Rows of A a panel.</summary>
    public const int Rows = 12;

    /// <summary>Columns of B a panel.</summary>
    public const int Columns = 32;

    /// <summary>Steps along k that are summed in registers before they are added to C.</summary>
    public const int Depth = 384;

    private readonly delegate*<int, int, float*, float*, float*, nint, bool, void> multiply = multiply;

    /// <summary>The tile for the widest vectors of this processor.</summary>
    public static Tile Best { get; } = Vector512.IsHardwareAccelerated ? new(&Tile512.Multiply, Set(1, 2, 4, 8, 12))
        : Vector256.IsHardwareAccelerated ? new(&Tile256.Multiply, Set(1, 6, 12))
        : new(&Tile128.Multiply, Set(1, 4, 8, 12));

    /// <summary>Whether that many rows of C are written and no more; with other numbers of rows C must have room for 12.</summary>
    public bool IsExact(int rows) => (exactRows >> rows & 1) != 0;

    /// <summary>
    /// C = A·B or C += A·B for one panel each; writes 32 columns, and more rows than asked for unless <see cref="IsExact"/>.
    /// </summary>
    public void Multiply(int rows, int k, float* a, float* b, float* c, nint stride, bool add) => multiply(rows, k, a, b, c, stride, add);

    private static int Set(params ReadOnlySpan<int> rows)
    {
        int set = 0;
        foreach (int count in rows)
            set |= 1 << count;
        return set;
    }
}
