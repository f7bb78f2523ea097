using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>Copies blocks of matrices into the panels that a <see cref="Tile"/> reads; edges are filled with zeros.</summary>
/// <remarks>A "line" is a row of A or a column of B; a panel holds a tile's rows or columns side by side for each step along k.</remarks>
internal static unsafe class Packing
{
    /// <summary>Packs lines that are contiguous along k and lie <paramref name="stride"/> apart: a transposition.</summary>
    /// <param name="source">The first element of the first line.</param>
    /// <param name="stride">Elements from one line to the next.</param>
    /// <param name="lines">How many lines there are, at most <paramref name="width"/>.</param>
    /// <param name="k">How many elements of each line.</param>
    /// <param name="panel">[k][width].</param>
    /// <param name="width">Lines a panel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, nint stride, int lines, int k, float* panel, int width)
    {
        TransposeLines(source, stride, lines, k, panel, width);
        // A tile for 1, 2, 4 or 8 rows reads no further than its rows.
        int read = width == Tile.Rows && lines <= 8 ? Math.Min(width, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)lines)) : width;
        for (int line = lines; line < read; line++)
        {
            for (int step = 0; step < k; step++)
                panel[step * width + line] = 0;
        }
    }

    /// <summary>The lines alone: what lies between the last one and the next step's first stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeLines(float* source, nint stride, int lines, int k, float* panel, int width)
    {
        int line = 0;
        for (; line + 4 <= lines; line += 4)
            FourLines(source + line * stride, stride, k, panel + line, width);
        if (line + 2 <= lines)
        {
            TwoLines(source + line * stride, stride, k, panel + line, width);
            line += 2;
        }
        for (; line < lines; line++)
        {
            float* from = source + line * stride, to = panel + line;
            for (int step = 0; step < k; step++)
                to[step * width] = from[step];
        }
    }

    /// <summary>Packs lines that lie side by side, so that each step along k is contiguous: a copy.</summary>
    /// <param name="source">The element of the first line at the first step.</param>
    /// <param name="stride">Elements from one step along k to the next.</param>
    /// <param name="lines">How many lines there are, at most <paramref name="width"/>.</param>
    /// <param name="k">How many steps.</param>
    /// <param name="panel">[k][width].</param>
    /// <param name="width">Lines a panel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* source, nint stride, int lines, int k, float* panel, int width)
    {
        if (lines < width || !IsCopied(width))
        {
            for (int step = 0; step < k; step++, source += stride, panel += width)
            {
                new ReadOnlySpan<float>(source, lines).CopyTo(new Span<float>(panel, lines));
                new Span<float>(panel + lines, width - lines).Clear();
            }
            return;
        }
        for (int step = 0; step < k; step++, source += stride, panel += width)
        {
            switch (width)
            {
                case Tile512.Columns:
                    Vector512.Load(source).Store(panel);
                    Vector512.Load(source + 16).Store(panel + 16);
                    break;
                case Tile256.Columns:
                    Vector512.Load(source).Store(panel);
                    break;
                case Tile512.Rows:
                    Vector256.Load(source).Store(panel);
                    Vector128.Load(source + 8).Store(panel + 8);
                    break;
                default:
                    Vector128.Load(source).Store(panel);
                    Vector64.Load(source + 4).Store(panel + 4);
                    break;
            }
        }
    }

    private static bool IsCopied(int width) => width is Tile512.Columns or Tile256.Columns or Tile512.Rows or Tile256.Rows;

    // Four lines of 16 elements become 16 groups of four: after two rounds of unpacking, the 128-bit quarter i of row j
    // holds element 4i + j of the four lines.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourLines(float* source, nint stride, int k, float* panel, int width)
    {
        int step = 0;
        if (Avx512F.IsSupported)
        {
            for (; step + 16 <= k; step += 16)
            {
                float* at = source + step, to = panel + step * width;
                FetchLines(at + 4 * stride, stride);
                Vector512<float> x0 = Vector512.Load(at), x1 = Vector512.Load(at + stride);
                Vector512<float> x2 = Vector512.Load(at + 2 * stride), x3 = Vector512.Load(at + 3 * stride);
                Vector512<double> low01 = Avx512F.UnpackLow(x0, x1).AsDouble(), high01 = Avx512F.UnpackHigh(x0, x1).AsDouble();
                Vector512<double> low23 = Avx512F.UnpackLow(x2, x3).AsDouble(), high23 = Avx512F.UnpackHigh(x2, x3).AsDouble();
                Quarters(Avx512F.UnpackLow(low01, low23).AsSingle(), to, 4 * width);
                Quarters(Avx512F.UnpackHigh(low01, low23).AsSingle(), to + width, 4 * width);
                Quarters(Avx512F.UnpackLow(high01, high23).AsSingle(), to + 2 * width, 4 * width);
                Quarters(Avx512F.UnpackHigh(high01, high23).AsSingle(), to + 3 * width, 4 * width);
            }
        }
        if (Avx.IsSupported)
        {
            for (; step + 16 <= k; step += 16)
            {
                FetchLines(source + step + 4 * stride, stride);
                EightSteps(source + step, stride, panel + step * width, width);
                EightSteps(source + step + 8, stride, panel + (step + 8) * width, width);
            }
        }
        if (Sse2.IsSupported)
        {
            for (; step + 4 <= k; step += 4)
            {
                float* at = source + step, to = panel + step * width;
                Vector128<float> x0 = Vector128.Load(at), x1 = Vector128.Load(at + stride);
                Vector128<float> x2 = Vector128.Load(at + 2 * stride), x3 = Vector128.Load(at + 3 * stride);
                Vector128<double> low01 = Sse.UnpackLow(x0, x1).AsDouble(), high01 = Sse.UnpackHigh(x0, x1).AsDouble();
                Vector128<double> low23 = Sse.UnpackLow(x2, x3).AsDouble(), high23 = Sse.UnpackHigh(x2, x3).AsDouble();
                Sse2.UnpackLow(low01, low23).AsSingle().Store(to);
                Sse2.UnpackHigh(low01, low23).AsSingle().Store(to + width);
                Sse2.UnpackLow(high01, high23).AsSingle().Store(to + 2 * width);
                Sse2.UnpackHigh(high01, high23).AsSingle().Store(to + 3 * width);
            }
        }
        for (; step < k; step++)
        {
            float* at = source + step, to = panel + step * width;
            (to[0], to[1], to[2], to[3]) = (at[0], at[stride], at[2 * stride], at[3 * stride]);
        }
    }

    // Four lines of 8 elements become 8 groups of four: the lower half of each vector holds elements 0 to 3, the upper one 4 to 7.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightSteps(float* at, nint stride, float* to, int width)
    {
        Vector256<float> x0 = Vector256.Load(at), x1 = Vector256.Load(at + stride);
        Vector256<float> x2 = Vector256.Load(at + 2 * stride), x3 = Vector256.Load(at + 3 * stride);
        Vector256<double> low01 = Avx.UnpackLow(x0, x1).AsDouble(), high01 = Avx.UnpackHigh(x0, x1).AsDouble();
        Vector256<double> low23 = Avx.UnpackLow(x2, x3).AsDouble(), high23 = Avx.UnpackHigh(x2, x3).AsDouble();
        Halves(Avx.UnpackLow(low01, low23).AsSingle(), to, 4 * width);
        Halves(Avx.UnpackHigh(low01, low23).AsSingle(), to + width, 4 * width);
        Halves(Avx.UnpackLow(high01, high23).AsSingle(), to + 2 * width, 4 * width);
        Halves(Avx.UnpackHigh(high01, high23).AsSingle(), to + 3 * width, 4 * width);
    }

    // The next four lines arrive while these are turned: each is a short stream that the processor has no time to foresee.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchLines(float* at, nint stride)
    {
        Sse.Prefetch0(at);
        Sse.Prefetch0(at + stride);
        Sse.Prefetch0(at + 2 * stride);
        Sse.Prefetch0(at + 3 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Halves(Vector256<float> row, float* to, int stride)
    {
        row.GetLower().Store(to);
        row.GetUpper().Store(to + stride);
    }

    // Two lines of 4 elements become 4 pairs.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoLines(float* source, nint stride, int k, float* panel, int width)
    {
        int step = 0;
        if (Sse2.IsSupported)
        {
            for (; step + 4 <= k; step += 4)
            {
                Vector128<float> x0 = Vector128.Load(source + step), x1 = Vector128.Load(source + stride + step);
                float* to = panel + step * width;
                Vector128<float> low = Sse.UnpackLow(x0, x1), high = Sse.UnpackHigh(x0, x1);
                low.GetLower().Store(to);
                low.GetUpper().Store(to + width);
                high.GetLower().Store(to + 2 * width);
                high.GetUpper().Store(to + 3 * width);
            }
        }
        for (; step < k; step++)
            (panel[step * width], panel[step * width + 1]) = (source[step], source[stride + step]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarters(Vector512<float> row, float* to, int stride)
    {
        Vector256<float> lower = row.GetLower(), upper = row.GetUpper();
        lower.GetLower().Store(to);
        lower.GetUpper().Store(to + stride);
        upper.GetLower().Store(to + 2 * stride);
        upper.GetUpper().Store(to + 3 * stride);
    }
}
