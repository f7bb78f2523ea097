using System.Buffers.Binary;

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

    private protected BlockFormat(string name, int elements, int bytes) => (Name, Elements, Bytes) = (name, elements, bytes);

    /// <summary>The name of the type in GGUF.</summary>
    public string Name { get; }

    /// <summary>The elements of a block.</summary>
    public int Elements { get; }

    /// <summary>The bytes of a block.</summary>
    public int Bytes { get; }

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
        for (int block = 0; block < values.Length / Elements; block++)
            DequantizeBlock(blocks.Slice(block * Bytes, Bytes), values.Slice(block * Elements, Elements));
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

    private protected abstract void DequantizeBlock(ReadOnlySpan<byte> block, Span<float> values);

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

    private void CheckSizes(int values, int bytes) => Fault.Unless(values % Elements == 0 && bytes == values / Elements * (long)Bytes,
        $"{Name}: numbers lie in blocks of {Elements} in {Bytes} bytes, but there are {values} numbers and {bytes} bytes");
}
