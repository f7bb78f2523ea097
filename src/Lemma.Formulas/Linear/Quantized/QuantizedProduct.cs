using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>C = X·Wᵀ, W a quantized weight in panels, X rounded to 8 bits by blocks of 32 (<see cref="RoundedRows"/>).</summary>
/// <remarks>
/// A panel is unpacked for at most 1024 columns at a time and meets all rows while it lies in the first-level cache: one row as thousands, with the same bits.
/// The twin by plain loops is in the tests.
/// </remarks>
internal static unsafe class QuantizedProduct
{
    private const int Rows = QuantizedLayout.Rows, Step = 1024, MostParts = Step / 16;

    // Rows up to which a panel takes less time to multiply than to arrive, or not much more.
    private const int SomeRows = 32;

    // Unpacked numbers, scales, minima, and a tile of C for a panel that C ends in.
    private const int Scratch = Step * Rows / sizeof(float) + 2 * MostParts * Rows + GeneratedQuantizedCode.MostRows * Rows;

    /// <summary>Multiplies some rows with some panels.</summary>
    /// <param name="layout">The weight's layout.</param>
    /// <param name="panels">The first panel.</param>
    /// <param name="n">Rows of the weight from that panel on; the last panel may have fewer than 16.</param>
    /// <param name="columns">Columns of the weight.</param>
    /// <param name="x">The rounded rows.</param>
    /// <param name="row">The first row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="c">The place of the first row's first product.</param>
    /// <param name="stride">Elements from a row of C to the next.</param>
    /// <param name="add">Whether C is added to: its value begins the chain.</param>
    /// <param name="bias">[n], added last, or null.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(QuantizedLayout layout, byte* panels, int n, int columns, in RoundedRows x, int row, int rows, float* c, nint stride, bool add,
        float* bias)
    {
        float* scratch = ThreadScratch.Take(Scratch), scales = scratch + Step * Rows / sizeof(float), minima = scales + MostParts * Rows;
        float* own = minima + MostParts * Rows;
        // As few and as even steps as fit, each of whole blocks of any layout.
        const int Unit = QuantizedLayout.SuperBlock;
        int steps = (columns + Step - 1) / Step, each = ((columns + steps - 1) / steps + Unit - 1) / Unit * Unit;
        nint panelBytes = (nint)layout.PanelBytes(columns);
        // The next panel is asked for while the first rows are multiplied.
        int lines = Sse.IsSupported && rows <= SomeRows ? (int)((panelBytes / 64 + columns / QuantizedLayout.Block - 1) / (columns / QuantizedLayout.Block)) : 0;
        // Rows of a tile, as even as they can be; numbers that one tile reads are unpacked in its registers.
        bool isGenerated = QuantizedTile.IsGenerated, isPacked = rows <= (isGenerated ? GeneratedQuantizedCode.MostRows : 1) && layout.Table.Length == 0;
        // One row waits for memory: AVX-VNNI, where it is, asks for it as early.
        bool isAlone = rows == 1 && isPacked && (!isGenerated || AvxVnni.IsSupported);
        int most = QuantizedTile.MostRows, tiles = (rows + most - 1) / most, tileRows = (rows + tiles - 1) / tiles;
        for (int column = 0; column < n; column += Rows, panels += panelBytes)
        {
            int width = Math.Min(Rows, n - column);
            for (int first = 0, count; first < columns; first += count)
            {
                count = Math.Min(each, columns - first);
                byte* fetched = panels + panelBytes + (nint)(first / QuantizedLayout.Block) * lines * 64;
                byte* numbers = isPacked ? QuantizedPanel.NumbersAt(layout, panels, columns, first)
                    : QuantizedPanel.UnpackNumbers(layout, panels, columns, first, count, (byte*)scratch);
                QuantizedPanel.UnpackScales(layout, panels, first, count, scales, minima);
                for (int i = 0; i < rows; i += tileRows)
                {
                    int height = Math.Min(tileRows, rows - i);
                    float* place = c + i * stride + column;
                    bool isWhole = width == Rows, begins = first == 0 && !add;
                    float* tile = isWhole ? place : own;
                    nint tileStride = isWhole ? stride : Rows;
                    Begin(place, stride, tile, tileStride, height, width, begins);
                    QuantizedOperands operands = new((nint)numbers, (nint)scales, layout.HasMinima ? (nint)minima : 0, first / layout.Part, count / layout.Part,
                        (nint)fetched, i == 0 ? lines : 0);
                    if (isGenerated && !isAlone)
                        GeneratedQuantizedTile.Multiply(height, x, row + i, isPacked ? layout.Bits : 8, operands, tile, tileStride);
                    else if (isAlone)
                        QuantizedRowTile.Multiply(layout, x, row, operands, tile);
                    else
                        QuantizedTile.Multiply(height, x, row + i, layout.Largest, operands, tile, tileStride);
                    if (!isWhole)
                        Copy(tile, tileStride, place, stride, height, width);
                }
            }
            for (int i = 0; bias != null && i < rows; i++)
            {
                float* place = c + i * stride + column;
                for (int j = 0; j < width; j++)
                    place[j] += bias[column + j];
            }
        }
    }

    // Zeros, or what C holds.
    private static void Begin(float* c, nint stride, float* tile, nint tileStride, int rows, int width, bool begins)
    {
        for (int i = 0; i < rows && begins; i++)
            new Span<float>(tile + i * tileStride, Rows).Clear();
        if (!begins && c != tile)
            Copy(c, stride, tile, tileStride, rows, width);
    }

    private static void Copy(float* from, nint fromStride, float* to, nint toStride, int rows, int width)
    {
        for (int i = 0; i < rows; i++)
            new ReadOnlySpan<float>(from + i * fromStride, width).CopyTo(new Span<float>(to + i * toStride, width));
    }
}
