using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
    /// <param name="b">The first panel.</param>
    /// <param name="panelStride">Elements from a panel to the next.</param>
    /// <param name="c">[n].</param>
    /// <param name="add">Whether c is added to or overwritten.</param>
    public static void Multiply(int n, int k, float* x, float* b, nint panelStride, float* c, bool add)
    {
        if (Tile.Columns == Tile256.Columns)
            Narrow(n, k, x, b, panelStride, c, add);
        else
            Wide(n, k, x, b, panelStride, c, add);
    }

    // Panels of 16 columns; the last one alone is read twice, and summed in both halves.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow(int n, int k, float* x, float* b, nint panelStride, float* c, bool add)
    {
        const int Width = 16;
        for (int column = 0; column < n; column += 2 * Width)
        {
            nint second = column + Width < n ? Width : 0;
            float* left = b + column / Width * panelStride, right = left + second / Width * panelStride;
            float* cl = c + column, cr = cl + second;
            bool adds = add;
            for (int step = 0; step < k; step += Tile.Depth, adds = true)
            {
                int end = Math.Min(k, step + Tile.Depth);
                Vector256<float> l0 = default, l1 = default, r0 = default, r1 = default;
                for (int i = step; i < end; i++, left += Width, right += Width)
                {
                    Vector256<float> own = Vector256.Create(x[i]);
                    l0 = Vector256.FusedMultiplyAdd(own, Vector256.Load(left), l0);
                    l1 = Vector256.FusedMultiplyAdd(own, Vector256.Load(left + 8), l1);
                    r0 = Vector256.FusedMultiplyAdd(own, Vector256.Load(right), r0);
                    r1 = Vector256.FusedMultiplyAdd(own, Vector256.Load(right + 8), r1);
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
    private static void Wide(int n, int k, float* x, float* b, nint panelStride, float* c, bool add)
    {
        const int Width = 32;
        for (int column = 0; column < n; column += 2 * Width)
        {
            nint second = column + Width < n ? Width : 0;
            float* left = b + column / Width * panelStride, right = left + second / Width * panelStride;
            float* cl = c + column, cr = cl + second;
            bool adds = add;
            for (int step = 0; step < k; step += Tile.Depth, adds = true)
            {
                int end = Math.Min(k, step + Tile.Depth);
                Vector512<float> l0 = default, l1 = default, r0 = default, r1 = default;
                for (int i = step; i < end; i++, left += Width, right += Width)
                {
                    Vector512<float> own = Vector512.Create(x[i]);
                    l0 = Vector512.FusedMultiplyAdd(own, Vector512.Load(left), l0);
                    l1 = Vector512.FusedMultiplyAdd(own, Vector512.Load(left + 16), l1);
                    r0 = Vector512.FusedMultiplyAdd(own, Vector512.Load(right), r0);
                    r1 = Vector512.FusedMultiplyAdd(own, Vector512.Load(right + 16), r1);
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
