using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>Makes the tile's panels of float32 of a head's keys and values in a page, exactly: a number of a block is s·q.</summary>
internal static unsafe class PageReader
{
    private const int Block = PagedAttention.Block, Numbers = KeyValuePageShape.BlockNumbers;

    /// <summary>Makes panels of the first positions of a head.</summary>
    /// <param name="shape">How the page lies.</param>
    /// <param name="head">The head in the page.</param>
    /// <param name="keys">How many positions; whole panels of keys are made.</param>
    /// <param name="keyPanels">[192/columns][d_h][columns].</param>
    /// <param name="valuePanels">[d_v/columns][192][columns], rounded up to whole panels.</param>
    public static void Unpack(in KeyValuePageShape shape, float* head, int keys, float* keyPanels, float* valuePanels)
    {
        float* values = head + shape.KeyElements;
        int columns = Tile.Columns, whole = (keys + columns - 1) / columns * columns;
        switch (shape.Format)
        {
            case PageFormat.Half or PageFormat.Brain:
                HalfKind kind = shape.Format == PageFormat.Half ? HalfKind.Half : HalfKind.Brain;
                HalfPanels.Widen(kind, (ushort*)head, (long)whole * shape.HeadWidth, keyPanels);
                for (nint panel = 0; panel < (nint)Block * Attention.Rounded(shape.ValueWidth); panel += Block * columns)
                    HalfPanels.Widen(kind, (ushort*)values + panel, keys * columns, valuePanels + panel);
                break;
            case PageFormat.Eight:
                EightKeys((sbyte*)head, (ushort*)((byte*)head + shape.ScaleOffset(shape.HeadWidth)), whole * (shape.HeadWidth / Numbers), keyPanels);
                BlockValues<EightRow>((byte*)values, (ushort*)((byte*)values + shape.ScaleOffset(shape.ValueWidth)), shape.ValueWidth, keys, valuePanels);
                break;
            case PageFormat.Four:
                FourKeys((byte*)head, (ushort*)((byte*)head + shape.ScaleOffset(shape.HeadWidth)), whole * (shape.HeadWidth / Numbers), keyPanels);
                BlockValues<FourRow>((byte*)values, (ushort*)((byte*)values + shape.ScaleOffset(shape.ValueWidth)), shape.ValueWidth, keys, valuePanels);
                break;
            default:
                throw new InvalidOperationException($"pages: {shape.Format} is read as it lies");
        }
    }

    // Sixteen positions of a panel have sixteen scales for 32 steps.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightKeys(sbyte* numbers, ushort* scales, int count, float* to)
    {
        nint columns = Tile.Columns;
        for (int block = 0; block < count; block += (int)columns, scales += columns, numbers += Numbers * columns, to += Numbers * columns)
        {
            for (nint half = 0; half < columns; half += 16)
            {
                Vector512<float> scale = HalfLoad.Sixteen((byte*)(scales + half));
                for (nint at = half; at < Numbers * columns; at += 2 * columns)
                {
                    (Widened(Vector128.Load(numbers + at)) * scale).Store(to + at);
                    (Widened(Vector128.Load(numbers + at + columns)) * scale).Store(to + at + columns);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourKeys(byte* numbers, ushort* scales, int count, float* to)
    {
        nint columns = Tile.Columns;
        for (int block = 0; block < count; block += (int)columns, scales += columns, numbers += Numbers / 2 * columns, to += Numbers * columns)
        {
            for (nint half = 0; half < columns; half += 16)
            {
                Vector512<float> scale = HalfLoad.Sixteen((byte*)(scales + half));
                for (nint at = half; at < Numbers / 2 * columns; at += columns)
                {
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
    private static void BlockValues<TRow>(byte* numbers, ushort* scales, int width, int keys, float* to) where TRow : struct, IBlockRow
    {
        nint columns = Tile.Columns, second = columns == Numbers ? 16 : Block * columns;
        float* wide = stackalloc float[Block];
        for (int block = 0; block < width; block += Numbers, numbers += Block * TRow.Bytes, scales += Block, to += Block * Numbers)
        {
            HalfPanels.Widen(HalfKind.Half, scales, (keys + 15) / 16 * 16, wide);
            float* row = to;
            byte* at = numbers;
            for (int i = 0; i < keys; i++, row += columns, at += TRow.Bytes)
            {
                Vector512<float> scale = Vector512.Create(wide[i]);
                TRow.Load(at, out Vector128<sbyte> low, out Vector128<sbyte> high);
                (Widened(low) * scale).Store(row);
                (Widened(high) * scale).Store(row + second);
            }
        }
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
    private static Vector512<float> Widened(Vector128<sbyte> x)
    {
        if (Avx512F.IsSupported)
            return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(x));
        if (Avx2.IsSupported)
        {
            return Vector512.Create(Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(x)),
                Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(Vector128.Shuffle(x.AsInt64(), Vector128.Create(1L, 1)).AsSByte())));
        }
        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(x);
        return Vector512.ConvertToSingle(Vector512.Create(Vector256.Create(Vector128.WidenLower(low), Vector128.WidenUpper(low)),
            Vector256.Create(Vector128.WidenLower(high), Vector128.WidenUpper(high))));
    }
}
