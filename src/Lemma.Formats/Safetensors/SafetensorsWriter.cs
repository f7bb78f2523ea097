using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lemma.Formats;

/// <summary>The elements of a tensor that is written, asked for once, when its turn comes.</summary>
public delegate ReadOnlySpan<float> TensorSource();

/// <summary>One float32 tensor to write.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Sizes">The sizes of its axes.</param>
/// <param name="Source">Its elements in row-major order.</param>
public sealed record SafetensorsTensor(string Name, IReadOnlyList<int> Sizes, TensorSource Source)
{
    /// <summary>The number of elements.</summary>
    public long Count => Sizes.Aggregate(1L, (product, size) => checked(product * size));
}

/// <summary>Writes safetensors files: float32, in the ordinal order of the names, so that equal tensors give equal bytes.</summary>
public static class SafetensorsWriter
{
    private const int ChunkElements = 1 << 16;
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a file under a temporary name, flushes it to disk and renames it.</summary>
    public static void Write(string path, IReadOnlyCollection<SafetensorsTensor> tensors) =>
        AtomicFile.Write(path, stream => Write(stream, tensors));

    /// <summary>Writes to a stream, one tensor at a time, with the metadata <c>format: pt</c> that Hugging Face's readers ask
    /// for.</summary>
    public static void Write(Stream stream, IReadOnlyCollection<SafetensorsTensor> tensors)
    {
        List<SafetensorsTensor> ordered = [.. tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal)];
        for (int i = 1; i < ordered.Count; i++)
            Fault.Unless(ordered[i - 1].Name != ordered[i].Name, $"safetensors: the name '{ordered[i].Name}' stands twice");

        ArrayBufferWriter<byte> header = Header(ordered);
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.WrittenCount);
        stream.Write(prefix);
        stream.Write(header.WrittenSpan);
        uint[]? swapped = BitConverter.IsLittleEndian ? null : new uint[ChunkElements];
        foreach (SafetensorsTensor tensor in ordered)
        {
            ReadOnlySpan<float> values = tensor.Source();
            Fault.Unless(values.Length == tensor.Count,
                $"safetensors: '{tensor.Name}' was declared with {tensor.Count} elements, but has {values.Length}");
            for (; values.Length > 0; values = values[Math.Min(ChunkElements, values.Length)..])
                WriteChunk(stream, values[..Math.Min(ChunkElements, values.Length)], swapped);
        }
    }

    private static void WriteChunk(Stream stream, ReadOnlySpan<float> values, uint[]? swapped)
    {
        if (swapped == null)
        {
            stream.Write(MemoryMarshal.AsBytes(values));
            return;
        }
        BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<float, uint>(values), swapped);
        stream.Write(MemoryMarshal.AsBytes(swapped.AsSpan(0, values.Length)));
    }

    private static ArrayBufferWriter<byte> Header(List<SafetensorsTensor> tensors)
    {
        ArrayBufferWriter<byte> header = new();
        using (Utf8JsonWriter json = new(header, Compact))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long offset = 0;
            foreach (SafetensorsTensor tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                foreach (int size in tensor.Sizes)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Count * sizeof(float));
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Spaces up to a multiple of 8 align the tensors, as the format's own writer does.
        int padding = -header.WrittenCount & 7;
        header.GetSpan(padding)[..padding].Fill((byte)' ');
        header.Advance(padding);
        return header;
    }
}
