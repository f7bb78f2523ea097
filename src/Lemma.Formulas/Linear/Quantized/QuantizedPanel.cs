using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lemma.Formulas;

/// <summary>16 rows of a quantized weight in the place of a <see cref="QuantizedLayout"/>: put there row by row, read by parts of their columns.</summary>
internal static unsafe class QuantizedPanel
{
    private const int Rows = QuantizedLayout.Rows, Block = QuantizedLayout.Block, Group = 64;

    /// <summary>Puts one row into a panel.</summary>
    public static void Put(QuantizedLayout layout, byte* panel, int columns, int row, QuantizedRow source)
    {
        RequireFit(layout, columns, source);
        PutScales(layout, panel, columns, row, source);
        byte* places = panel + layout.NumbersAt(columns) + row * 4;
        fixed (byte* numbers = source.Numbers)
        {
            for (int block = 0; block < columns / Block; block++)
                PutBlock(layout.Bits, (uint*)(numbers + block * Block), places + (nint)block * Group * layout.Bits);
        }
    }

    /// <summary>Unpacks the whole numbers of some columns of a panel into groups, a byte each.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="columns">Columns of its rows.</param>
    /// <param name="first">The first column, a multiple of the layout's columns.</param>
    /// <param name="count">How many, a multiple of them.</param>
    /// <param name="numbers">[count / 4, 64]; of 8 bits they are read where they lie, and this is not touched.</param>
    /// <returns>Where the whole numbers are.</returns>
    public static byte* UnpackNumbers(QuantizedLayout layout, byte* panel, int columns, int first, int count, byte* numbers)
    {
        byte* block = NumbersAt(layout, panel, columns, first);
        switch (layout.Bits)
        {
            case 2: Unpack<TwoBits>(block, count / Block, numbers); break;
            case 3: Unpack<ThreeBits>(block, count / Block, numbers); break;
            case 4: Unpack<FourBits>(block, count / Block, numbers); break;
            case 5: Unpack<FiveBits>(block, count / Block, numbers); break;
            case 6: Unpack<SixBits>(block, count / Block, numbers); break;
            default: return block;
        }
        if (layout.Table.Length > 0)
            LookUp(layout.Table, numbers, count / 4);
        return numbers;
    }

    /// <summary>The scales of some columns as floats, [parts, 16], and what is added where the layout has minima.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackScales(QuantizedLayout layout, byte* panel, int first, int count, float* scales, float* minima)
    {
        int bytes = layout.ScaleBytes, parts = QuantizedLayout.SuperBlock / layout.Part;
        byte* from = panel + (nint)(first / layout.Columns) * bytes, end = from + (nint)(count / layout.Columns) * bytes;
        switch (layout.Scales)
        {
            case ScaleKind.Exponent:
                for (; from < end; from += bytes, scales += Rows)
                    Power(Vector128.Load(from)).Store(scales);
                break;
            case ScaleKind.Half:
                for (; from < end; from += bytes, scales += Rows)
                    HalfLoad.Sixteen(from).Store(scales);
                break;
            case ScaleKind.HalfWithMinimum:
                for (; from < end; from += bytes, scales += Rows, minima += Rows)
                {
                    HalfLoad.Sixteen(from).Store(scales);
                    HalfLoad.Sixteen(from + 2 * Rows).Store(minima);
                }
                break;
            case ScaleKind.SuperSigned:
                for (; from < end; from += bytes)
                {
                    Vector512<float> all = HalfLoad.Sixteen(from);
                    for (int j = 0; j < parts; j++, scales += Rows)
                        (all * Vector512.ConvertToSingle(Widening.Sixteen(Vector128.Load((sbyte*)from + Rows * (2 + j))))).Store(scales);
                }
                break;
            default:
                for (; from < end; from += bytes)
                {
                    Vector512<float> scale = HalfLoad.Sixteen(from), minimum = -HalfLoad.Sixteen(from + 2 * Rows);
                    for (int j = 0; j < parts; j++, scales += Rows, minima += Rows)
                    {
                        (scale * Vector512.ConvertToSingle(Widening.Sixteen(Vector128.Load(from + Rows * (4 + 2 * j))))).Store(scales);
                        (minimum * Vector512.ConvertToSingle(Widening.Sixteen(Vector128.Load(from + Rows * (5 + 2 * j))))).Store(minima);
                    }
                }
                break;
        }
    }

    /// <summary>Where the whole numbers of the columns from some first one on lie.</summary>
    public static byte* NumbersAt(QuantizedLayout layout, byte* panel, int columns, int first) =>
        panel + layout.NumbersAt(columns) + (nint)(first / Block) * Group * layout.Bits;

    /// <summary>Copies one row out of its panel as floats: s·(u − offset), or s·u + m.</summary>
    public static void CopyRow(QuantizedLayout layout, byte* panel, int columns, int row, Span<float> destination)
    {
        byte* numbers = stackalloc byte[QuantizedLayout.SuperBlock * Rows];
        float* scales = stackalloc float[2 * QuantizedLayout.SuperBlock], minima = scales + QuantizedLayout.SuperBlock;
        for (int first = 0, count; first < columns; first += count)
        {
            count = Math.Min(QuantizedLayout.SuperBlock, columns - first);
            byte* unpacked = UnpackNumbers(layout, panel, columns, first, count, numbers);
            UnpackScales(layout, panel, first, count, scales, minima);
            for (int column = 0; column < count; column++)
            {
                int at = column / layout.Part * Rows + row;
                float scaled = scales[at] * (unpacked[column / 4 * Group + row * 4 + column % 4] - layout.Offset);
                destination[first + column] = layout.HasMinima ? scaled + minima[at] : scaled;
            }
        }
    }

    // Four numbers of a group are moved together.
    private static void PutBlock(int bits, uint* q, byte* to)
    {
        const uint One = 0x01010101, Two = 0x03030303, Four = 0x0F0F0F0F;
        switch (bits)
        {
            case 8:
                for (int j = 0; j < 8; j++)
                    *(uint*)(to + j * Group) = q[j];
                break;
            case 2 or 3:
                *(uint*)to = Stacked(q, 0, Two);
                *(uint*)(to + Group) = Stacked(q + 4, 0, Two);
                if (bits == 3)
                    *(uint*)(to + 2 * Group) = Flags(q, 2, One);
                break;
            default:
                for (int j = 0; j < 4; j++)
                    *(uint*)(to + j * Group) = q[j] & Four | (q[j + 4] & Four) << 4;
                if (bits == 5)
                    *(uint*)(to + 4 * Group) = Flags(q, 4, One);
                if (bits == 6)
                {
                    *(uint*)(to + 4 * Group) = Stacked(q, 4, Two);
                    *(uint*)(to + 5 * Group) = Stacked(q + 4, 4, Two);
                }
                break;
        }
    }

    // Two bits of four groups above each other.
    private static uint Stacked(uint* q, int shift, uint mask) =>
        q[0] >> shift & mask | (q[1] >> shift & mask) << 2 | (q[2] >> shift & mask) << 4 | (q[3] >> shift & mask) << 6;

    // One bit of eight groups.
    private static uint Flags(uint* q, int shift, uint mask)
    {
        uint flags = 0;
        for (int j = 0; j < 8; j++)
            flags |= (q[j] >> shift & mask) << j;
        return flags;
    }

    private static void RequireFit(QuantizedLayout layout, int columns, QuantizedRow source)
    {
        int parts = layout.Columns == QuantizedLayout.SuperBlock ? columns / layout.Part : 0, scales = columns / layout.Columns;
        Check.That(columns > 0 && columns % layout.Columns == 0 && source.Numbers.Length == columns && source.Scales.Length == scales
            && source.Minima.Length == (layout.HasMinima ? scales : 0) && source.Parts.Length == parts
            && source.PartMinima.Length == (layout.HasMinima ? parts : 0), layout.Name,
            $"a row of {columns} columns has {columns} numbers and {scales} scales with {parts} parts, but there are {source.Numbers.Length} numbers, "
            + $"{source.Scales.Length} scales, {source.Minima.Length} minima, {source.Parts.Length} and {source.PartMinima.Length} parts");
        Check.That(source.Numbers.IndexOfAnyExceptInRange((byte)0, (byte)((1 << layout.Bits) - 1)) < 0, layout.Name,
            $"numbers have {layout.Bits} bits, but one has more");
    }

    private static void PutScales(QuantizedLayout layout, byte* to, int columns, int row, QuantizedRow source)
    {
        int parts = QuantizedLayout.SuperBlock / layout.Part;
        for (int i = 0; i < columns / layout.Columns; i++, to += layout.ScaleBytes)
        {
            if (layout.Scales == ScaleKind.Exponent)
            {
                to[row] = checked((byte)source.Scales[i]);
                continue;
            }
            ((ushort*)to)[row] = source.Scales[i];
            if (layout.HasMinima)
                ((ushort*)to)[Rows + row] = source.Minima[i];
            if (layout.Columns != QuantizedLayout.SuperBlock)
                continue;
            byte* part = to + Rows * (layout.HasMinima ? 4 : 2) + row;
            for (int j = 0; j < parts; j++, part += Rows * (layout.HasMinima ? 2 : 1))
            {
                part[0] = source.Parts[i * parts + j];
                if (layout.HasMinima)
                    part[Rows] = source.PartMinima[i * parts + j];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack<TNumbers>(byte* block, int blocks, byte* to)
        where TNumbers : struct, IPackedNumbers
    {
        for (int i = 0; i < 2 * blocks; i++, to += Group / 2)
        {
            byte* from = block + i / 2 * Group * TNumbers.Bits + i % 2 * (Group / 2);
            TNumbers.Group(from, 0).Store(to);
            TNumbers.Group(from, 1).Store(to + Group);
            TNumbers.Group(from, 2).Store(to + 2 * Group);
            TNumbers.Group(from, 3).Store(to + 3 * Group);
            TNumbers.Group(from, 4).Store(to + 4 * Group);
            TNumbers.Group(from, 5).Store(to + 5 * Group);
            TNumbers.Group(from, 6).Store(to + 6 * Group);
            TNumbers.Group(from, 7).Store(to + 7 * Group);
            to += i % 2 * 7 * Group;
        }
    }

    // What 4 bits stand for, 128 added so that it is a byte without a sign.
    private static void LookUp(ReadOnlySpan<sbyte> table, byte* numbers, int groups)
    {
        Vector128<byte> values = Vector128.Create(MemoryMarshal.AsBytes(table)) ^ Vector128.Create((byte)128);
        for (int i = 0; i < groups * 2; i++, numbers += 32)
        {
            Vector256<byte> indices = Vector256.Load(numbers);
            (Avx2.IsSupported ? Avx2.Shuffle(Vector256.Create(values, values), indices)
                : Vector256.Create(Vector128.Shuffle(values, indices.GetLower()), Vector128.Shuffle(values, indices.GetUpper()))).Store(numbers);
        }
    }

    // 2^(e − 128): below 2 the fraction's highest bits say it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Power(Vector128<byte> exponents)
    {
        Vector512<int> e = Widening.Sixteen(exponents), isSmall = Vector512.LessThan(e, Vector512.Create(2));
        Vector512<int> small = Vector512.Create(0x00200000) + (e * 0x00200000), usual = (e - Vector512<int>.One) << 23;
        return Vector512.ConditionalSelect(isSmall, small, usual).AsSingle();
    }
}
