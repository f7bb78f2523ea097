using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Lemma.Formats;

/// <summary>A format whose numbers lie in blocks that share a scale: whole blocks of bytes to float32, and for those that are written back.</summary>
/// <remarks>
/// Values are those of llama.cpp bit for bit: products and sums in its order, none fused. Scales of 16 bits are halves. The layouts are those of
/// ggml's <c>ggml-common.h</c> and of the <c>gguf</c> package.
/// </remarks>
internal abstract class BlockFormat
{
    private static readonly BlockFormat[] All = [new Q80Format(), new Q40Format(), new Q41Format(), new Q50Format(), new Q51Format(), new Q2KFormat(),
        new Q3KFormat(), new Q4KFormat(), new Q5KFormat(), new Q6KFormat(), new Iq4NlFormat(), new Mxfp4Format()];

    private protected BlockFormat(string name, int elements, int bytes, BlockNumbers numbers) => (Name, Elements, Bytes, Numbers) = (name, elements, bytes, numbers);

    /// <summary>The name of the type in GGUF.</summary>
    public string Name { get; }

    /// <summary>The elements of a block.</summary>
    public int Elements { get; }

    /// <summary>The bytes of a block.</summary>
    public int Bytes { get; }

    /// <summary>What its whole numbers stand for.</summary>
    public BlockNumbers Numbers { get; }

    /// <summary>Scales and minima of parts that a block of several scales has.</summary>
    public int Parts => Elements > 32 ? Elements / Numbers.Part : 0;

    /// <summary>Whether <see cref="Quantize"/> is there.</summary>
    public virtual bool IsWritten => false;

    /// <summary>The names of all formats, as errors list them.</summary>
    public static string Names => string.Join(", ", All.Select(format => format.Name));

    /// <summary>The format of a type's name, or null.</summary>
    public static BlockFormat? Find(string name) => Array.Find(All, format => format.Name == name);

    /// <summary>Makes numbers of whole blocks.</summary>
    /// <param name="blocks">As many blocks as the values fill.</param>
    /// <param name="values">Filled; whole blocks of elements.</param>
    public void Dequantize(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        CheckSizes(values.Length, blocks.Length);
        Span<byte> numbers = stackalloc byte[Elements], parts = stackalloc byte[Parts], partMinima = stackalloc byte[Numbers.HasMinima ? Parts : 0];
        Span<ushort> scale = stackalloc ushort[1], minimum = stackalloc ushort[Numbers.HasMinima ? 1 : 0];
        BlockContent content = new(numbers, scale, minimum, parts, partMinima);
        for (int block = 0; block < values.Length / Elements; block++)
        {
            ReadBlock(blocks.Slice(block * Bytes, Bytes), content);
            Scale(content, values.Slice(block * Elements, Elements));
        }
    }

    /// <summary>Takes whole blocks of one row apart.</summary>
    public void Read(ReadOnlySpan<byte> blocks, in BlockContent to)
    {
        CheckSizes(to.Numbers.Length, blocks.Length);
        for (int block = 0; block < to.Scales.Length; block++)
        {
            ReadBlock(blocks.Slice(block * Bytes, Bytes), new BlockContent(to.Numbers.Slice(block * Elements, Elements), to.Scales.Slice(block, 1),
                Numbers.HasMinima ? to.Minima.Slice(block, 1) : default, to.Parts.Slice(block * Parts, Parts),
                Numbers.HasMinima ? to.PartMinima.Slice(block * Parts, Parts) : default));
        }
    }

    /// <summary>Makes blocks of a row of numbers.</summary>
    /// <param name="row">Finite numbers, whole blocks of them.</param>
    /// <param name="blocks">As many blocks as the row fills.</param>
    /// <param name="importance">How much the error of each column counts, none below 0; empty where all count alike.</param>
    /// <exception cref="ArgumentException">A number is not finite, or so large that its block's scale is no half.</exception>
    public void Quantize(ReadOnlySpan<float> row, Span<byte> blocks, ReadOnlySpan<float> importance)
    {
        CheckSizes(row.Length, blocks.Length);
        Fault.Unless(importance.Length is 0 || importance.Length == row.Length,
            $"{Name}: {row.Length} numbers have as many weights or none, but there are {importance.Length}");
        for (int i = 0; i < row.Length; i++)
            Fault.Unless(float.IsFinite(row[i]), $"{Name}: numbers must be finite, but number {i} of a row is {row[i]}");
        for (int i = 0; i < importance.Length; i++)
            Fault.Unless(importance[i] >= 0 && float.IsFinite(importance[i]), $"{Name}: weights must be finite and at least 0, but weight {i} is {importance[i]}");
        for (int block = 0; block < row.Length / Elements; block++)
            QuantizeBlock(row.Slice(block * Elements, Elements), blocks.Slice(block * Bytes, Bytes),
                importance.Length == 0 ? default : importance.Slice(block * Elements, Elements));
    }

    private protected abstract void ReadBlock(ReadOnlySpan<byte> block, in BlockContent to);

    private protected virtual void QuantizeBlock(ReadOnlySpan<float> x, Span<byte> block, ReadOnlySpan<float> importance) =>
        throw new NotSupportedException($"{Name}: this format is read and not written");

    private protected static float Half(ReadOnlySpan<byte> place) => (float)BinaryPrimitives.ReadHalfLittleEndian(place);

    /// <summary>Writes a scale as a half, and gives what it became.</summary>
    private protected float WriteHalf(Span<byte> place, float scale)
    {
        Half half = (Half)scale;
        Fault.Unless(System.Half.IsFinite(half), $"{Name}: the scale of a block must be a half of at most 65504, but is {scale}");
        BinaryPrimitives.WriteHalfLittleEndian(place, half);
        return (float)half;
    }

    private protected static ushort Bits(ReadOnlySpan<byte> place) => BinaryPrimitives.ReadUInt16LittleEndian(place);

    /// <summary>32 numbers of 16 bytes: number i in the lower half of byte i, i + 16 in the upper.</summary>
    private protected static void Nibbles(ReadOnlySpan<byte> bytes, Span<byte> numbers)
    {
        Vector128<byte> both = Vector128.Create(bytes);
        (both & Vector128.Create((byte)15)).CopyTo(numbers);
        (both >>> 4).CopyTo(numbers[16..]);
    }

    /// <summary>Adds the fifth bits of 32 numbers.</summary>
    private protected static void AddFifth(ReadOnlySpan<byte> bits, Span<byte> numbers)
    {
        for (int i = 0; i < 32; i++)
            numbers[i] |= (byte)((bits[i / 8] >> i % 8 & 1) << 4);
    }

    private void Scale(in BlockContent block, Span<float> values)
    {
        // Of an exponent the two least are subnormal floats.
        float d = !Numbers.HasExponent ? (float)BitConverter.UInt16BitsToHalf(block.Scales[0])
            : BitConverter.UInt32BitsToSingle(block.Scales[0] < 2 ? 0x00200000u << block.Scales[0] : (uint)(block.Scales[0] - 1) << 23);
        float e = Numbers.HasMinima ? (float)BitConverter.UInt16BitsToHalf(block.Minima[0]) : 0;
        for (int part = 0; part < Elements / Numbers.Part; part++)
        {
            float scale = Parts == 0 ? d : d * (Numbers.HasMinima ? block.Parts[part] : (sbyte)block.Parts[part]);
            float minimum = !Numbers.HasMinima ? 0 : Parts == 0 ? e : -(e * block.PartMinima[part]);
            for (int i = part * Numbers.Part; i < (part + 1) * Numbers.Part; i++)
            {
                int number = Numbers.Values is { } table ? table[block.Numbers[i]] : block.Numbers[i] - Numbers.Offset;
                values[i] = Numbers.HasMinima ? scale * number + minimum : scale * number;
            }
        }
    }

    private void CheckSizes(int values, int bytes) => Fault.Unless(values % Elements == 0 && bytes == values / Elements * (long)Bytes,
        $"{Name}: numbers lie in blocks of {Elements} in {Bytes} bytes, but there are {values} numbers and {bytes} bytes");
}
