using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>C = X·Wᵀ, W a quantized weight in panels, X rounded to 8 bits by blocks of 32 (<see cref="RoundedRows"/>).</summary>
/// <remarks>
/// A panel is unpacked for at most 1024 columns at a time, two panels for 768, and meets all rows while it lies in the first-level cache: one row as thousands,
/// with the same bits.
/// The twin by plain loops is in the tests.
/// </remarks>
internal static unsafe class QuantizedProduct
{
    private const int Rows = QuantizedLayout.Rows, Step = 1024, StepOfTwo = 768, Numbers = 2 * StepOfTwo * Rows;

    // Rows up to which a panel takes less time to multiply than to arrive, or not much more.
    private const int SomeRows = 32;

    // Tiles up to which unpacking in each of them takes less time than storing bytes once. Six and more are alike.
    private const int SomeTiles = 6;

    // Unpacked numbers, scales, minima, and a tile of C for a panel that C ends in.
    private const int Scratch = Numbers / sizeof(float) + 4 * QuantizedOperands.PanelScales + GeneratedQuantizedCode.MostRows * Rows;

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
        float* scratch = ThreadScratch.Take(Scratch), scales = scratch + Numbers / sizeof(float), minima = scales + 2 * QuantizedOperands.PanelScales;
        float* own = minima + 2 * QuantizedOperands.PanelScales;
        nint panelBytes = (nint)layout.PanelBytes(columns);
        bool isGenerated = QuantizedTile.IsGenerated;
        for (int column = 0, panelsNow; column < n; column += panelsNow * Rows, panels += panelsNow * panelBytes)
        {
            panelsNow = isGenerated && rows > 1 && n - column > Rows ? 2 : 1;
            int width = Math.Min(panelsNow * Rows, n - column);
            // As few and as even steps as fit, each of whole blocks of any layout.
            const int Unit = QuantizedLayout.SuperBlock;
            int step = panelsNow > 1 ? StepOfTwo : Step, steps = (columns + step - 1) / step, each = ((columns + steps - 1) / steps + Unit - 1) / Unit * Unit;
            // What is next is asked for while the first rows are multiplied.
            int blocks = columns / QuantizedLayout.Block;
            int lines = Sse.IsSupported && rows <= SomeRows ? (int)((panelsNow * panelBytes / 64 + blocks - 1) / blocks) : 0;
            // Rows of a tile, as even as they can be; numbers that few tiles read are unpacked in registers by each.
            int most = QuantizedTile.MostRows / panelsNow, tiles = (rows + most - 1) / most, tileRows = (rows + tiles - 1) / tiles;
            bool isPacked = (isGenerated ? tiles <= SomeTiles : rows == 1) && layout.Table.Length == 0;
            // One row waits for memory: AVX-VNNI, where it is, asks for it as early.
            bool isAlone = rows == 1 && isPacked && (!isGenerated || AvxVnni.IsSupported);
            for (int first = 0, count; first < columns; first += count)
            {
                count = Math.Min(each, columns - first);
                byte* fetched = panels + panelsNow * panelBytes + (nint)(first / QuantizedLayout.Block) * lines * 64;
                byte* numbers = null;
                nint second = 0;
                for (int panel = 0; panel < panelsNow; panel++)
                {
                    byte* from = panels + panel * panelBytes;
                    byte* there = isPacked ? QuantizedPanel.NumbersAt(layout, from, columns, first)
                        : QuantizedPanel.UnpackNumbers(layout, from, columns, first, count, (byte*)scratch + panel * count * Rows);
                    numbers = panel == 0 ? there : numbers;
                    second = (nint)(there - numbers);
                    int place = panel * QuantizedOperands.PanelScales;
                    QuantizedPanel.UnpackScales(layout, from, first, count, scales + place, minima + place);
                }
                for (int i = 0; i < rows; i += tileRows)
                {
                    int height = Math.Min(tileRows, rows - i);
                    float* corner = c + i * stride + column;
                    bool isWhole = width == panelsNow * Rows, begins = first == 0 && !add;
                    float* tile = isWhole ? corner : own;
                    nint tileStride = isWhole ? stride : panelsNow * Rows;
                    Begin(corner, stride, tile, tileStride, height, width, panelsNow * Rows, begins);
                    QuantizedOperands operands = new((nint)numbers, (nint)scales, layout.HasMinima ? (nint)minima : 0, first / layout.Part, count / layout.Part,
                        (nint)fetched, i == 0 ? lines : 0, second);
                    if (isGenerated && !isAlone)
                        GeneratedQuantizedTile.Multiply(height, x, row + i, isPacked ? layout.Bits : 8, operands, tile, tileStride);
                    else if (isAlone)
                        QuantizedRowTile.Multiply(layout, x, row, operands, tile);
                    else
                        QuantizedTile.Multiply(height, x, row + i, layout.Largest, operands, tile, tileStride);
                    if (!isWhole)
                        Copy(tile, tileStride, corner, stride, height, width);
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
    private static void Begin(float* c, nint stride, float* tile, nint tileStride, int rows, int width, int whole, bool begins)
    {
        for (int i = 0; i < rows && begins; i++)
            new Span<float>(tile + i * tileStride, whole).Clear();
        if (!begins && c != tile)
            Copy(c, stride, tile, tileStride, rows, width);
    }

    private static void Copy(float* from, nint fromStride, float* to, nint toStride, int rows, int width)
    {
        for (int i = 0; i < rows; i++)
            new ReadOnlySpan<float>(from + i * fromStride, width).CopyTo(new Span<float>(to + i * toStride, width));
    }
}
