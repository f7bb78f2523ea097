using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>Writes keys and values into pages, a position at a time, rounded where the page's format says so.</summary>
internal static unsafe class PageWriter
{
    private const int Block = PagedAttention.Block, Numbers = KeyValuePageShape.BlockNumbers;

    /// <summary>Writes the key and value of one position of one head into its page.</summary>
    public static void Append(in KeyValuePageShape shape, float* head, int position, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        int place = position % Block;
        float* values = head + shape.KeyElements;
        switch (shape.Format)
        {
            case PageFormat.Single:
                AppendInPanels(key, value, head, values, place);
                break;
            case PageFormat.Half or PageFormat.Brain:
                ushort* rounded = (ushort*)ThreadScratch.Take((key.Length + value.Length + 1) / 2);
                Span<ushort> roundedKey = new(rounded, key.Length), roundedValue = new(rounded + key.Length, value.Length);
                Narrow(shape.Format, key, roundedKey);
                Narrow(shape.Format, value, roundedValue);
                AppendInPanels<ushort>(roundedKey, roundedValue, (ushort*)head, (ushort*)values, place);
                break;
            default:
                float* turned = ThreadScratch.Take(Math.Max(key.Length, value.Length));
                key.CopyTo(new Span<float>(turned, key.Length));
                Hadamard.TurnBlocks(turned, key.Length);
                AppendKey(shape, turned, (byte*)head, place);
                value.CopyTo(new Span<float>(turned, value.Length));
                Hadamard.TurnBlocks(turned, value.Length);
                AppendValue(shape, turned, (byte*)values, place);
                break;
        }
    }

    private static void AppendInPanels<T>(ReadOnlySpan<T> key, ReadOnlySpan<T> value, T* keys, T* values, int place) where T : unmanaged
    {
        int columns = Tile.Columns;
        keys += (nint)(place / columns) * columns * key.Length + place % columns;
        for (int i = 0; i < key.Length; i++)
            keys[(nint)i * columns] = key[i];
        values += (nint)place * columns;
        for (int i = 0; i < value.Length; i += columns)
            value.Slice(i, Math.Min(columns, value.Length - i)).CopyTo(new Span<T>(values + (nint)i * Block, columns));
    }

    private static void AppendKey(in KeyValuePageShape shape, float* key, byte* keys, int place)
    {
        int d = shape.HeadWidth, columns = Tile.Columns, panel = place / columns, column = place % columns;
        bool isFour = shape.Format == PageFormat.Four;
        byte* numbers = keys + (nint)panel * columns * (isFour ? d / 2 : d) + column;
        ushort* scales = (ushort*)(keys + shape.ScaleOffset(d)) + (nint)panel * columns * (d / Numbers) + column;
        byte* q = stackalloc byte[Numbers];
        for (int first = 0; first < d; first += Numbers, scales += columns)
        {
            *scales = isFour ? CachedBlock.RoundFour(key + first, q) : CachedBlock.RoundEight(key + first, (sbyte*)q);
            for (int i = 0; i < Numbers; i += isFour ? 2 : 1, numbers += columns)
                *numbers = isFour ? (byte)(q[i] | q[i + 1] << 4) : q[i];
        }
    }

    private static void AppendValue(in KeyValuePageShape shape, float* value, byte* values, int place)
    {
        bool isFour = shape.Format == PageFormat.Four;
        int bytes = isFour ? Numbers / 2 : Numbers;
        byte* numbers = values + (nint)place * bytes, q = stackalloc byte[Numbers];
        ushort* scales = (ushort*)(values + shape.ScaleOffset(shape.ValueWidth)) + place;
        for (int first = 0; first < shape.ValueWidth; first += Numbers, numbers += Block * bytes, scales += Block)
        {
            *scales = isFour ? CachedBlock.RoundFour(value + first, q) : CachedBlock.RoundEight(value + first, (sbyte*)q);
            if (isFour)
                (Vector128.Load(q) | Vector128.Load(q + 16) << 4).Store(numbers);
            else
                Vector256.Load(q).Store(numbers);
        }
    }

    private static void Narrow(PageFormat format, ReadOnlySpan<float> x, Span<ushort> y)
    {
        if (format == PageFormat.Half)
        {
            System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(x, MemoryMarshal.Cast<ushort, Half>(y));
            return;
        }
        for (int i = 0; i < x.Length; i++)
            y[i] = Brain(x[i]);
    }

    // The nearest, the even one of two; a NaN stays one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort Brain(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return float.IsNaN(x) ? (ushort)(bits >> 16 | 0x40) : (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}
