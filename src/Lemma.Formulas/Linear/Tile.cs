using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>
/// The innermost step of a matrix product as a value: how many rows of A and columns of B it takes, and the code for this processor.
/// </summary>
/// <remarks>
/// Panels have the tile's sizes, 12 and 32 or, for 256-bit vectors, 6 and 16:
/// <code>
/// panel of A: for each k, 12 rows side by side      panel of B: for each k, 32 columns side by side
///   a₀ … a₁₁ | a₀ … a₁₁ | …                           b₀ … b₃₁ | b₀ … b₃₁ | …
/// </code>
/// </remarks>
internal readonly unsafe struct Tile(delegate*<int, int, float*, float*, float*, nint, Into, void> multiply, int exactRows)
{
    // The compiler at run time knows the processor; the one ahead of time knows what it was told.
    private static readonly bool isGenerated =
        !Avx512F.IsSupported && !RuntimeFeature.IsDynamicCodeSupported && GeneratedTile.Obstacle == null;

    private static bool IsNarrow => Avx.IsSupported && !Avx512F.IsSupported && !isGenerated;

    /// <summary>Rows of A a panel.</summary>
    public static int Rows => IsNarrow ? Tile256.Rows : Tile512.Rows;

    /// <summary>Columns of B a panel.</summary>
    public static int Columns => IsNarrow ? Tile256.Columns : Tile512.Columns;

    /// <summary>The most rows and columns of any tile.</summary>
    public const int MostRows = Tile512.Rows, MostColumns = Tile512.Columns;

    /// <summary>Steps along k that are summed in registers before they are added to C.</summary>
    public const int Depth = 384;

    private readonly delegate*<int, int, float*, float*, float*, nint, Into, void> multiply = multiply;

    /// <summary>The tile for the widest vectors of this processor.</summary>
    public static Tile Best { get; } = Avx512F.IsSupported ? new(&Tile512.Multiply, Set(1, 2, 4, 8, 12))
        : isGenerated ? new(&GeneratedTile.Multiply, Set(1, 2, 4, 8, 12))
        : Avx.IsSupported ? new(&Tile256.Multiply, Set(1, 2, 4, 6))
        : new(&Tile128.Multiply, Set(1, 4, 8, 12));

    /// <summary>The tile in use, in words: rows, columns, vectors, and what stood in the way of a wider one.</summary>
    public static string Description => string.Create(CultureInfo.InvariantCulture, $"{Rows} x {Columns}, {Vectors}");

    private static string Vectors => Avx512F.IsSupported ? "AVX-512"
        : isGenerated ? "AVX-512, generated at run time"
        : !Avx.IsSupported ? "128-bit vectors"
        : RuntimeFeature.IsDynamicCodeSupported ? "AVX2"
        : $"AVX2, since {GeneratedTile.Obstacle}";

    /// <summary>Whether that many rows of C are written and no more; with other numbers of rows C must have room for a whole tile.</summary>
    public bool IsExact(int rows) => (exactRows >> rows & 1) != 0;

    /// <summary>
    /// C = A·B, or C += A·B, for one panel each; writes a tile's columns, and more rows than asked for unless <see cref="IsExact"/>.
    /// </summary>
    public void Multiply(int rows, int k, float* a, float* b, float* c, nint stride, Into into) => multiply(rows, k, a, b, c, stride, into);

    private static int Set(params ReadOnlySpan<int> rows)
    {
        int set = 0;
        foreach (int count in rows)
            set |= 1 << count;
        return set;
    }
}
