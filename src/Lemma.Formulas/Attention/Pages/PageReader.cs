using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>Makes the tile's panels of float32 of a head's keys and values in a page, exactly: a number of a block is s·q.</summary>
internal static unsafe class PageReader
{
    private const int Block = PagedAttention.Block, Numbers = KeyValuePageShape.BlockNumbers;

    /// <summary>Makes all panels of the first positions of a head.</summary>
    /// <param name="shape">How the page lies.</param>
    /// <param name="head">The head in the page.</param>
    /// <param name="keys">How many positions; whole panels of keys are made.</param>
    /// <param name="keyPanels">[192/columns][d_h][columns].</param>
    /// <param name="valuePanels">[d_v/columns][192][columns], rounded up to whole panels.</param>
    /// <param name="next">The head in the page that is read next.</param>
    public static void Unpack(in KeyValuePageShape shape, float* head, int keys, float* keyPanels, float* valuePanels, float* next)
    {
        int columns = Tile.Columns;
        for (int panel = 0; panel * columns < keys; panel++)
            UnpackKeys(shape, head, panel, keyPanels + (nint)panel * columns * shape.HeadWidth);
        for (int panel = 0; panel * columns < shape.ValueWidth; panel++)
            UnpackValues(shape, head, panel, keys, valuePanels + (nint)panel * columns * Block, next);
    }

    /// <summary>Makes one panel of keys, [d_h][columns].</summary>
    public static void UnpackKeys(in KeyValuePageShape shape, float* head, int panel, float* to)
    {
        nint d = shape.HeadWidth, first = panel * Tile.Columns * d;
        bool isLast = (panel + 1) * Tile.Columns == Block;
        ushort* scales = (ushort*)((byte*)head + shape.ScaleOffset((int)d)) + first / Numbers;
        byte* numbers = (byte*)head + shape.BytesOf((int)first), next = isLast ? (byte*)(head + shape.KeyElements) : numbers + shape.BytesOf(Tile.Columns * (int)d);
        switch (shape.Format)
        {
            case PageFormat.Half:
                Widen<HalfLoad>((ushort*)numbers, Tile.Columns * (int)d, to, next);
                break;
            case PageFormat.Brain:
                Widen<BrainLoad>((ushort*)numbers, Tile.Columns * (int)d, to, next);
                break;
            case PageFormat.Eight:
                EightKeys((sbyte*)numbers, scales, (int)d, to, next);
                break;
            case PageFormat.Four:
                FourKeys(numbers, scales, (int)d, to, next);
                break;
            default:
                throw new InvalidOperationException($"pages: {shape.Format} is read as it lies");
        }
    }

    /// <summary>Makes one panel of values, [keys][columns].</summary>
    public static void UnpackValues(in KeyValuePageShape shape, float* head, int panel, int keys, float* to, float* nextHead)
    {
        byte* values = (byte*)(head + shape.KeyElements);
        int first = panel * Tile.Columns, block = first / Numbers;
        ushort* scales = (ushort*)(values + shape.ScaleOffset(shape.ValueWidth)) + block * Block;
        byte* numbers = values + (nint)Block * shape.BytesOf(shape.IsBlocks ? block * Numbers : first);
        byte* next = first + Tile.Columns >= shape.ValueWidth ? (byte*)nextHead : numbers + (nint)Block * shape.BytesOf(shape.IsBlocks ? Numbers : Tile.Columns);
        switch (shape.Format)
        {
            case PageFormat.Half:
                Widen<HalfLoad>((ushort*)numbers, keys * Tile.Columns, to, next);
                break;
            case PageFormat.Brain:
                Widen<BrainLoad>((ushort*)numbers, keys * Tile.Columns, to, next);
                break;
            case PageFormat.Eight:
                BlockValues<EightRow>(numbers, scales, first % Numbers != 0, keys, to, next);
                break;
            case PageFormat.Four:
                BlockValues<FourRow>(numbers, scales, first % Numbers != 0, keys, to, next);
                break;
            default:
                throw new InvalidOperationException($"pages: {shape.Format} is read as it lies");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<TLoad>(ushort* numbers, int count, float* to, byte* next) where TLoad : struct, IPanelLoad
    {
        for (int i = 0; i < count; i += 32, next += 64)
        {
            Fetch(next);
            TLoad.Sixteen((byte*)(numbers + i)).Store(to + i);
            if (i + 16 < count)
                TLoad.Sixteen((byte*)(numbers + i + 16)).Store(to + i + 16);
        }
    }

    // Sixteen positions of a panel have sixteen scales for 32 steps.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightKeys(sbyte* numbers, ushort* scales, int d, float* to, byte* next)
    {
        nint columns = Tile.Columns;
        for (int step = 0; step < d; step += Numbers, scales += columns, numbers += Numbers * columns, to += Numbers * columns)
        {
            for (nint half = 0; half < columns; half += 16)
            {
                Vector512<float> scale = HalfLoad.Sixteen((byte*)(scales + half));
                for (nint at = half; at < Numbers * columns; at += 2 * columns)
                {
                    if (half == 0)
                        Fetch(next + step * columns + at);
                    (Widened(Vector128.Load(numbers + at)) * scale).Store(to + at);
                    (Widened(Vector128.Load(numbers + at + columns)) * scale).Store(to + at + columns);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourKeys(byte* numbers, ushort* scales, int d, float* to, byte* next)
    {
        nint columns = Tile.Columns;
        for (int step = 0; step < d; step += Numbers, scales += columns, numbers += Numbers / 2 * columns, to += Numbers * columns)
        {
            for (nint half = 0; half < columns; half += 16)
            {
                Vector512<float> scale = HalfLoad.Sixteen((byte*)(scales + half));
                for (nint at = half; at < Numbers / 2 * columns; at += columns)
                {
                    if (half == 0)
                        Fetch(next + step / 2 * columns + at);
                    Vector128<byte> two = Vector128.Load(numbers + at);
                    float* row = to + 2 * at - half;
                    (Widened(Low(two)) * scale).Store(row);
                    (Widened(High(two)) * scale).Store(row + columns);
                }
            }
        }
    }

    // A block of a position is one row of a panel of 32 columns, or of two of 16.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BlockValues<TRow>(byte* numbers, ushort* scales, bool isUpper, int keys, float* to, byte* next) where TRow : struct, IBlockRow
    {
        bool isWhole = Tile.Columns == Numbers;
        float* wide = stackalloc float[Block];
        HalfPanels.Widen(HalfKind.Half, scales, (keys + 15) / 16 * 16, wide);
        for (int i = 0; i < keys; i++, numbers += TRow.Bytes, next += TRow.Bytes)
        {
            Fetch(next);
            Vector512<float> scale = Vector512.Create(wide[i]);
            TRow.Load(numbers, out Vector128<sbyte> low, out Vector128<sbyte> high);
            if (isWhole)
            {
                (Widened(low) * scale).Store(to);
                (Widened(high) * scale).Store(to + 16);
                to += 32;
            }
            else
            {
                (Widened(isUpper ? high : low) * scale).Store(to);
                to += 16;
            }
        }
    }

    // What is read next comes from memory while this is made floats; without it, each would wait for the other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* next)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(next);
    }

    /// <summary>A block of 32 numbers of one position.</summary>
    private interface IBlockRow
    {
        static abstract int Bytes { get; }

        static abstract void Load(byte* at, out Vector128<sbyte> low, out Vector128<sbyte> high);
    }

    private readonly struct EightRow : IBlockRow
    {
        public static int Bytes => Numbers;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* at, out Vector128<sbyte> low, out Vector128<sbyte> high) =>
            (low, high) = (Vector128.Load((sbyte*)at), Vector128.Load((sbyte*)at + 16));
    }

    private readonly struct FourRow : IBlockRow
    {
        public static int Bytes => Numbers / 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* at, out Vector128<sbyte> low, out Vector128<sbyte> high)
        {
            Vector128<byte> both = Vector128.Load(at);
            (low, high) = (Low(both), High(both));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Low(Vector128<byte> two) => (two & Vector128.Create((byte)15)).AsSByte() - Vector128.Create((sbyte)8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> High(Vector128<byte> two) =>
        ((two.AsUInt16() >>> 4).AsByte() & Vector128.Create((byte)15)).AsSByte() - Vector128.Create((sbyte)8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widened(Vector128<sbyte> x) => Vector512.ConvertToSingle(Widening.Sixteen(x));
}
