using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;

namespace Lemma.Formats;

/// <summary>Writes safetensors files in the ordinal order of the names, so that equal tensors give equal bytes.</summary>
public static class SafetensorsWriter
{
    private const int ChunkElements = 1 << 16;
    private const string WholeName = "model.safetensors", IndexName = WholeName + ".index.json";
    private static readonly SafetensorsOptions Usual = new();

    /// <summary>Writes a file under a temporary name, flushes it to disk and renames it.</summary>
    public static void Write(string path, IReadOnlyCollection<SafetensorsTensor> tensors, SafetensorsOptions? options = null)
    {
        List<SafetensorsTensor> ordered = Ordered(tensors);
        Reporter reporter = new(options ?? Usual, Total(ordered));
        AtomicFile.Write(path, stream => WriteOrdered(stream, ordered, options ?? Usual, reporter));
    }

    /// <summary>Writes to a stream, one tensor at a time.</summary>
    public static void Write(Stream stream, IReadOnlyCollection<SafetensorsTensor> tensors, SafetensorsOptions? options = null)
    {
        List<SafetensorsTensor> ordered = Ordered(tensors);
        WriteOrdered(stream, ordered, options ?? Usual, new Reporter(options ?? Usual, Total(ordered)));
    }

    /// <summary>Writes a model's folder: <c>model.safetensors</c>, or several files of at most
    /// <see cref="SafetensorsOptions.MaximumShardBytes"/> and then the index that names them. The folder is not emptied first: build it by
    /// <see cref="AtomicFolder"/>.</summary>
    public static void WriteFolder(string folder, IReadOnlyCollection<SafetensorsTensor> tensors, SafetensorsOptions? options = null)
    {
        options ??= Usual;
        Fault.Unless(options.MaximumShardBytes >= 1, $"safetensors: a file must hold at least 1 byte, but may hold {options.MaximumShardBytes}");
        List<SafetensorsTensor> ordered = Ordered(tensors);
        List<List<SafetensorsTensor>> shards = Split(ordered, options.MaximumShardBytes);
        Reporter reporter = new(options, Total(ordered));
        for (int i = 0; i < shards.Count; i++)
        {
            List<SafetensorsTensor> shard = shards[i];
            AtomicFile.Write(Path.Combine(folder, NameOf(i, shards.Count)), stream => WriteOrdered(stream, shard, options, reporter));
        }
        if (shards.Count > 1)
            AtomicFile.Write(Path.Combine(folder, IndexName), stream => WriteIndex(stream, shards));
    }

    private static string NameOf(int shard, int count) => count == 1 ? WholeName
        : string.Create(CultureInfo.InvariantCulture, $"model-{shard + 1:D5}-of-{count:D5}.safetensors");

    private static List<List<SafetensorsTensor>> Split(List<SafetensorsTensor> tensors, long maximum)
    {
        List<List<SafetensorsTensor>> shards = [[]];
        long held = 0;
        foreach (SafetensorsTensor tensor in tensors)
        {
            if (shards[^1].Count > 0 && tensor.Bytes > maximum - held)
            {
                shards.Add([]);
                held = 0;
            }
            shards[^1].Add(tensor);
            held += tensor.Bytes;
        }
        return shards;
    }

    private static List<SafetensorsTensor> Ordered(IReadOnlyCollection<SafetensorsTensor> tensors)
    {
        List<SafetensorsTensor> ordered = [.. tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal)];
        for (int i = 0; i < ordered.Count; i++)
        {
            Fault.Unless(i == 0 || ordered[i - 1].Name != ordered[i].Name, $"safetensors: the name '{ordered[i].Name}' stands twice");
            Fault.Unless(ordered[i].Name != SafetensorsHeader.MetadataName, $"safetensors: no tensor may be called '{ordered[i].Name}'");
        }
        return ordered;
    }

    private static long Total(List<SafetensorsTensor> tensors) => tensors.Sum(tensor => tensor.Bytes);

    private static void WriteOrdered(Stream stream, List<SafetensorsTensor> tensors, SafetensorsOptions options, Reporter reporter)
    {
        ReadOnlySpan<byte> header = SafetensorsHeader.Write(tensors, options.Metadata);
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        stream.Write(prefix);
        stream.Write(header);
        byte[] buffer = new byte[ChunkElements * sizeof(float)];
        foreach (SafetensorsTensor tensor in tensors)
        {
            ReadOnlySpan<float> values = tensor.Source();
            Fault.Unless(values.Length == tensor.Count,
                $"safetensors: '{tensor.Name}' was declared with {tensor.Count} elements, but has {values.Length}");
            while (values.Length > 0)
            {
                int count = Math.Min(ChunkElements, values.Length), bytes = count * FloatConversion.BytesOf(tensor.Type);
                FloatConversion.Write(tensor.Type, values[..count], buffer);
                stream.Write(buffer.AsSpan(0, bytes));
                reporter.Add(bytes);
                values = values[count..];
            }
        }
    }

    private static void WriteIndex(Stream stream, List<List<SafetensorsTensor>> shards)
    {
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", shards.Sum(Total));
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            for (int i = 0; i < shards.Count; i++)
                foreach (SafetensorsTensor tensor in shards[i])
                    json.WriteString(tensor.Name, NameOf(i, shards.Count));
            json.WriteEndObject();
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    }

    private sealed class Reporter(SafetensorsOptions options, long total)
    {
        private long written;

        public void Add(long bytes) => options.Progress?.Invoke(written += bytes, total);
    }
}
