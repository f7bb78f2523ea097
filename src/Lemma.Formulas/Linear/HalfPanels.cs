using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>A weight [n, k] of 16 bits a number in the panels that a <see cref="Tile"/> reads; the last panel is filled up with zeros.</summary>
/// <remarks>
/// Products have the bits of those with the same numbers in 32 bits: one row reads the panels as they lie, more rows a block of them made floats.
/// </remarks>
internal static unsafe class HalfPanels
{
    /// <summary>Numbers of 16 bits that a weight takes.</summary>
    public static long Count(int n, int k) => (long)(n + Tile.Columns - 1) / Tile.Columns * Tile.Columns * k;

    /// <summary>Puts some numbers of a row in their places.</summary>
    public static void Put(ushort* panels, int k, int row, ReadOnlySpan<ushort> numbers)
    {
        ushort* at = (ushort*)Matrix.HalfPanels(panels, k, HalfKind.Half).At(0, row);
        for (int step = 0; step < numbers.Length; step++, at += Tile.Columns)
            *at = numbers[step];
    }

    /// <summary>Copies a row out of its panel as floats.</summary>
    public static void CopyRow(HalfKind kind, ushort* panels, int k, int row, Span<float> destination)
    {
        ushort* at = (ushort*)Matrix.HalfPanels(panels, k, kind).At(0, row);
        for (int step = 0; step < k; step++, at += Tile.Columns)
            destination[step] = kind == HalfKind.Brain ? BitConverter.UInt32BitsToSingle((uint)*at << 16) : (float)BitConverter.UInt16BitsToHalf(*at);
    }

    /// <summary>Makes floats of whole steps of a panel.</summary>
    public static void Widen(HalfKind kind, ushort* from, long count, float* to)
    {
        if (kind == HalfKind.Brain)
            Widen<BrainLoad>(from, count, to);
        else
            Widen<HalfLoad>(from, count, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<TLoad>(ushort* from, long count, float* to) where TLoad : struct, IPanelLoad
    {
        for (long i = 0; i < count; i += 16)
            TLoad.Sixteen((byte*)(from + i)).Store(to + i);
    }
}
