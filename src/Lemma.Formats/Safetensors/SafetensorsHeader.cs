using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Lemma.Formats;

/// <summary>The JSON at the head of a safetensors file; it is read token by token and checked against the bytes that follow it.</summary>
internal static class SafetensorsHeader
{
    /// <summary>The most a header may take: 100 MB, the format's own limit.</summary>
    public const long MaximumBytes = 100_000_000;

    /// <summary>The name of the texts beside the tensors, which no tensor has.</summary>
    public const string MetadataName = "__metadata__";

    /// <summary>The most axes a tensor may have.</summary>
    private const int MaximumRank = 16;

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Parses a header; the bytes of the tensors lie between <paramref name="dataBegin"/> and the end of the file.</summary>
    public static (List<TensorEntry> Entries, Dictionary<string, object> Metadata) Parse(
        ReadOnlySpan<byte> json, MappedFile source, long dataBegin)
    {
        string file = source.Path;
        if (!Utf8.IsValid(json))
            throw Broken(file, "it is not UTF-8");
        try
        {
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 8 });
            (List<TensorEntry> entries, Dictionary<string, object> metadata) = ParseObject(ref reader, source, dataBegin);
            CheckCover(entries, file, dataBegin, source.Length);
            return (entries, metadata);
        }
        catch (JsonException e)
        {
            throw Broken(file, $"it is not JSON at byte {e.BytePositionInLine} of line {e.LineNumber}");
        }
    }

    /// <summary>The header of tensors that follow it in their order.</summary>
    public static ReadOnlySpan<byte> Write(IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        ArrayBufferWriter<byte> header = new();
        using (Utf8JsonWriter json = new(header, Compact))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataName);
            foreach ((string name, string text) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                json.WriteString(name, text);
            json.WriteEndObject();
            long offset = 0;
            foreach (SafetensorsTensor tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.ToString());
                json.WriteStartArray("shape");
                foreach (int size in tensor.Sizes)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Spaces up to a multiple of 8 align the tensors, as the format's own writer does.
        int padding = -header.WrittenCount & 7;
        header.GetSpan(padding)[..padding].Fill((byte)' ');
        header.Advance(padding);
        return header.WrittenSpan;
    }

    private static (List<TensorEntry> Entries, Dictionary<string, object> Metadata) ParseObject(
        ref Utf8JsonReader reader, MappedFile source, long dataBegin)
    {
        string file = source.Path;
        List<TensorEntry> entries = [];
        Dictionary<string, object>? metadata = null;
        HashSet<string> names = [];
        Expect(ref reader, JsonTokenType.StartObject, file, "the header");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = Text(ref reader, file);
            if (name == MetadataName)
            {
                if (metadata != null)
                    throw Broken(file, "'__metadata__' stands twice");
                metadata = ParseMetadata(ref reader, file);
                continue;
            }
            if (!names.Add(name))
                throw Broken(file, $"the tensor '{name}' stands twice");
            entries.Add(ParseEntry(ref reader, name, source, dataBegin));
        }
        while (reader.Read())
            throw Broken(file, "something follows its closing brace");
        return (entries, metadata ?? []);
    }

    private static Dictionary<string, object> ParseMetadata(ref Utf8JsonReader reader, string file)
    {
        Dictionary<string, object> metadata = [];
        Expect(ref reader, JsonTokenType.StartObject, file, "'__metadata__'");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = Text(ref reader, file);
            Expect(ref reader, JsonTokenType.String, file, $"'__metadata__' at '{key}'");
            if (!metadata.TryAdd(key, Text(ref reader, file)))
                throw Broken(file, $"'__metadata__' has '{key}' twice");
        }
        return metadata;
    }

    private static TensorEntry ParseEntry(ref Utf8JsonReader reader, string name, MappedFile source, long dataBegin)
    {
        string file = source.Path;
        string? type = null;
        List<long>? sizes = null, offsets = null;
        Expect(ref reader, JsonTokenType.StartObject, file, $"the tensor '{name}'");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = Text(ref reader, file);
            switch (key)
            {
                case "dtype" when type == null:
                    Expect(ref reader, JsonTokenType.String, file, $"the dtype of '{name}'");
                    type = Text(ref reader, file);
                    break;
                case "shape" when sizes == null:
                    sizes = ParseSizes(ref reader, MaximumRank, file, $"the shape of '{name}'");
                    break;
                case "data_offsets" when offsets == null:
                    offsets = ParseSizes(ref reader, 2, file, $"the data_offsets of '{name}'");
                    break;
                default:
                    throw Broken(file, $"the tensor '{name}' has '{key}' twice, or it is not a field of the format");
            }
        }
        if (type == null || sizes == null || offsets is not { Count: 2 })
            throw Broken(file, $"the tensor '{name}' needs a dtype, a shape and two data_offsets");
        int size = ElementTypes.BytesOf(type) ?? throw Broken(file, $"the tensor '{name}' has the unknown dtype '{type}'");
        if (offsets[1] < offsets[0])
            throw Broken(file, $"the tensor '{name}' ends at {offsets[1]}, before it begins at {offsets[0]}");
        UInt128 bytes = (UInt128)size;
        foreach (long length in sizes)
            bytes = length == 0 ? 0 : bytes > long.MaxValue ? bytes : bytes * (UInt128)length;
        long held = offsets[1] - offsets[0];
        if (bytes != (UInt128)held)
            throw Broken(file, $"the tensor '{name}' of shape {TensorEntry.Format(sizes)} and dtype {type} does not take the "
                + $"{held} bytes "
                + $"that its data_offsets [{offsets[0]}, {offsets[1]}] hold");
        long available = source.Length - dataBegin;
        if (offsets[1] > available)
            throw new InvalidDataException($"{file}: truncated: the tensor '{name}' ends at byte "
                + $"{(UInt128)offsets[1] + (UInt128)dataBegin}, "
                + $"but the file has {source.Length} bytes");
        return new TensorEntry(name, type, sizes, source, dataBegin + offsets[0], held);
    }

    private static List<long> ParseSizes(ref Utf8JsonReader reader, int most, string file, string place)
    {
        List<long> sizes = [];
        Expect(ref reader, JsonTokenType.StartArray, file, place);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long size) || size < 0)
                throw Broken(file, $"{place} must hold whole numbers of at least 0");
            if (sizes.Count == most)
                throw Broken(file, $"{place} has more than {most} numbers");
            sizes.Add(size);
        }
        return sizes;
    }

    // The format forbids holes and overlaps; a file that has either can hide bytes or let two tensors share them.
    private static void CheckCover(List<TensorEntry> entries, string file, long dataBegin, long fileLength)
    {
        long at = dataBegin;
        foreach (TensorEntry entry in entries.OrderBy(e => e.Begin).ThenBy(e => e.Bytes))
        {
            if (entry.Begin != at)
                throw Broken(file, $"the tensor '{entry.Name}' begins at byte {entry.Begin} of the file, "
                    + $"{(entry.Begin < at ? "inside the one before it, which ends" : "after a hole; the one before it ends")} at {at}");
            at += entry.Bytes;
        }
        if (at != fileLength)
            throw Broken(file, $"its tensors end at byte {at}, but the file has {fileLength} bytes");
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string file, string place)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw Broken(file, $"{place} must be a {type switch
            {
                JsonTokenType.StartObject => "JSON object",
                JsonTokenType.StartArray => "JSON array",
                _ => "JSON string",
            }}");
    }

    private static string Text(ref Utf8JsonReader reader, string file)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair: valid JSON, but no text.
            throw Broken(file, $"the string at byte {reader.TokenStartIndex} is not valid text");
        }
    }

    private static InvalidDataException Broken(string file, string reason) => new($"{file}: safetensors header: {reason}");
}
