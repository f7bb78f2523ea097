using System.Buffers;
using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace Lemma.Parquet;

/// <summary>Rows of Parquet files as objects of JSON.</summary>
/// <remarks>Columns of texts, numbers and truth values are read, at any depth of lists and structures; columns of other types are left out.</remarks>
public static class ParquetRows
{
    /// <summary>The rows of a file in order, a row group in memory at a time; the bytes are those of a buffer that the next row reuses.</summary>
    /// <exception cref="InvalidDataException">The file is broken.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> Read(string file)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read);
        ParquetReader reader = Checked(file, () => ParquetReader.CreateAsync(stream).GetAwaiter().GetResult());
        ArrayBufferWriter<byte> row = new();
        using Utf8JsonWriter json = new(row, new JsonWriterOptions { MaxDepth = 64 });
        try
        {
            for (int group = 0; group < reader.RowGroupCount; group++)
            {
                int number = group;
                (List<(string Name, RowPart Part)> parts, long count) = Checked(file, () => Open(reader, number));
                for (long i = 0; i < count; i++)
                {
                    row.ResetWrittenCount();
                    json.Reset();
                    Checked(file, () => Write(json, parts));
                    yield return row.WrittenMemory;
                }
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static (List<(string Name, RowPart Part)> Parts, long Count) Open(ParquetReader reader, int group)
    {
        using ParquetRowGroupReader rows = reader.OpenRowGroupReader(group);
        List<(string, RowPart)> parts = [];
        foreach (Field field in reader.Schema.Fields)
            if (RowPart.Of(field, rows) is { } part)
                parts.Add((field.Name, part));
        return (parts, rows.RowCount);
    }

    private static bool Write(Utf8JsonWriter json, List<(string Name, RowPart Part)> parts)
    {
        json.WriteStartObject();
        foreach ((string name, RowPart part) in parts)
        {
            json.WritePropertyName(name);
            part.Write(json);
        }
        json.WriteEndObject();
        json.Flush();
        return true;
    }

    // What the reader of the format throws at a broken file is of many types.
    private static T Checked<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidDataException($"{file}: not a Parquet file that can be read: {e.Message}", e);
        }
    }
}
