using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>One row of A times a weight in panels: memory is read in order, once.</summary>
/// <remarks>
/// The sums are in the order of <see cref="MatrixProduct"/>, a chain of fused products a block of 384 steps. Two panels are read together:
/// four chains a thread keep the products ahead of the memory.
/// </remarks>
internal static unsafe class PanelRowProduct
{
    /// <summary>cⱼ = Σ xₖ·bₖⱼ, or added to c, for whole panels of columns.</summary>
    /// <param name="n">Columns, a multiple of a tile's.</param>
    /// <param name="k">Steps.</param>
    /// <param name="x">[k].</param>
    /// <param name="panels">[k, n] in panels, of 32 or of 16 bits.</param>
    /// <param name="c">[n].</param>
    /// <param name="add">Whether c is added to or overwritten.</param>
    public static void Multiply(int n, int k, float* x, Matrix panels, float* c, bool add)
    {
        if (panels.Halves == HalfKind.None)
            Multiply<SingleLoad>(n, k, x, panels, c, add);
        else if (panels.Halves == HalfKind.Brain)
            Multiply<BrainLoad>(n, k, x, panels, c, add);
        else
            Multiply<HalfLoad>(n, k, x, panels, c, add);
    }

    // Bytes that numbers of 16 bits are asked for before they are read: with the work of widening them the processor's own look ahead is too short. 2,048 is too
    // near and 8,192 too far; 32 bits come as fast without.
    private const int Ahead = 4096;

    private static void Multiply<TLoad>(int n, int k, float* x, Matrix panels, float* c, bool add) where TLoad : struct, IPanelLoad
    {
        nint panelBytes = panels.PanelStride * TLoad.Bytes;
        if (Tile.Columns == Tile256.Columns)
            Narrow<TLoad>(n, k, x, (byte*)panels.Data, panelBytes, c, add);
        else
            Wide<TLoad>(n, k, x, (byte*)panels.Data, panelBytes, c, add);
    }

    // Panels of 16 columns; the last one alone is read twice, and summed in both halves.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow<TLoad>(int n, int k, float* x, byte* b, nint panelBytes, float* c, bool add) where TLoad : struct, IPanelLoad
    {
        const int Width = 16;
        for (int column = 0; column < n; column += 2 * Width)
        {
            nint second = column + Width < n ? Width : 0;
            byte* left = b + column / Width * panelBytes, right = left + second / Width * panelBytes;
            float* cl = c + column, cr = cl + second;
            bool adds = add;
            for (int step = 0; step < k; step += Tile.Depth, adds = true)
            {
                int end = Math.Min(k, step + Tile.Depth);
                Vector256<float> l0 = default, l1 = default, r0 = default, r1 = default;
                for (int i = step; i < end; i++, left += Width * TLoad.Bytes, right += Width * TLoad.Bytes)
                {
                    if (TLoad.Bytes == 2 && Sse.IsSupported)
                    {
                        Sse.Prefetch0(left + Ahead);
                        Sse.Prefetch0(right + Ahead);
                    }
                    Vector256<float> own = Vector256.Create(x[i]);
                    l0 = Vector256.FusedMultiplyAdd(own, TLoad.Eight(left), l0);
                    l1 = Vector256.FusedMultiplyAdd(own, TLoad.Eight(left + 8 * TLoad.Bytes), l1);
                    r0 = Vector256.FusedMultiplyAdd(own, TLoad.Eight(right), r0);
                    r1 = Vector256.FusedMultiplyAdd(own, TLoad.Eight(right + 8 * TLoad.Bytes), r1);
                }
                if (adds)
                {
                    l0 += Vector256.Load(cl);
                    l1 += Vector256.Load(cl + 8);
                    r0 += Vector256.Load(cr);
                    r1 += Vector256.Load(cr + 8);
                }
                l0.Store(cl);
                l1.Store(cl + 8);
                r0.Store(cr);
                r1.Store(cr + 8);
            }
        }
    }

    // Panels of 32 columns.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide<TLoad>(int n, int k, float* x, byte* b, nint panelBytes, float* c, bool add) where TLoad : struct, IPanelLoad
    {
        const int Width = 32;
        for (int column = 0; column < n; column += 2 * Width)
        {
            nint second = column + Width < n ? Width : 0;
            byte* left = b + column / Width * panelBytes, right = left + second / Width * panelBytes;
            float* cl = c + column, cr = cl + second;
            bool adds = add;
            for (int step = 0; step < k; step += Tile.Depth, adds = true)
            {
                int end = Math.Min(k, step + Tile.Depth);
                Vector512<float> l0 = default, l1 = default, r0 = default, r1 = default;
                for (int i = step; i < end; i++, left += Width * TLoad.Bytes, right += Width * TLoad.Bytes)
                {
                    if (TLoad.Bytes == 2 && Sse.IsSupported)
                    {
                        Sse.Prefetch0(left + Ahead);
                        Sse.Prefetch0(right + Ahead);
                    }
                    Vector512<float> own = Vector512.Create(x[i]);
                    l0 = Vector512.FusedMultiplyAdd(own, TLoad.Sixteen(left), l0);
                    l1 = Vector512.FusedMultiplyAdd(own, TLoad.Sixteen(left + 16 * TLoad.Bytes), l1);
                    r0 = Vector512.FusedMultiplyAdd(own, TLoad.Sixteen(right), r0);
                    r1 = Vector512.FusedMultiplyAdd(own, TLoad.Sixteen(right + 16 * TLoad.Bytes), r1);
                }
                if (adds)
                {
                    l0 += Vector512.Load(cl);
                    l1 += Vector512.Load(cl + 16);
                    r0 += Vector512.Load(cr);
                    r1 += Vector512.Load(cr + 16);
                }
                l0.Store(cl);
                l1.Store(cl + 16);
                r0.Store(cr);
                r1.Store(cr + 16);
            }
        }
    }
}
