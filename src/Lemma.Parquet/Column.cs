using System.Text.Json;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace Lemma.Parquet;

/// <summary>The values of one column of a group of rows with their levels, read in order.</summary>
internal sealed class Column : RowPart
{
    private readonly Action<Utf8JsonWriter, int> write;
    private readonly int[]? definitions, repetitions;
    private readonly int deepest, count;
    private int at, value;

    private Column(Action<Utf8JsonWriter, int> write, int[]? definitions, int[]? repetitions, int deepest, int count) =>
        (this.write, this.definitions, this.repetitions, this.deepest, this.count) = (write, definitions, repetitions, deepest, count);

    public override Column First => this;

    /// <summary>Whether a level is left.</summary>
    public bool HasMore => at < count;

    /// <summary>The depth at which the next value is there.</summary>
    public int Definition => definitions is null ? deepest : definitions[at];

    /// <summary>The list that the next value goes on; 0 for a new row.</summary>
    public int Repetition => repetitions is null ? 0 : repetitions[at];

    /// <summary>Reads a column; null for values of no type of JSON.</summary>
    public static Column? Of(DataField field, ParquetRowGroupReader rows)
    {
        if (!IsKnown(field.ClrType))
            return null;
        using RawColumnData raw = rows.ReadRawColumnDataBaseAsync(field).AsTask().GetAwaiter().GetResult();
        (Action<Utf8JsonWriter, int> write, int values) = Values(raw, field);
        int[]? definitions = field.MaxDefinitionLevel > 0 ? raw.DefinitionLevels.ToArray() : null;
        int[]? repetitions = field.MaxRepetitionLevel > 0 ? raw.RepetitionLevels.ToArray() : null;
        return new Column(write, definitions, repetitions, field.MaxDefinitionLevel, definitions?.Length ?? values);
    }

    public override void Write(Utf8JsonWriter json)
    {
        if (Definition == deepest)
            write(json, value++);
        else
            json.WriteNullValue();
        at++;
    }

    public override void Skip() => at++;

    private static bool IsKnown(Type type) => type == typeof(ReadOnlyMemory<char>) || type == typeof(bool) || type == typeof(int) || type == typeof(long)
        || type == typeof(short) || type == typeof(sbyte) || type == typeof(byte) || type == typeof(ushort) || type == typeof(uint) || type == typeof(ulong)
        || type == typeof(float) || type == typeof(double);

    private static (Action<Utf8JsonWriter, int> Write, int Count) Values(RawColumnData raw, DataField field) => raw switch
    {
        RawColumnData<ReadOnlyMemory<char>> texts => Of(texts, static (json, text) => json.WriteStringValue(text.Span)),
        RawColumnData<bool> flags => Of(flags, static (json, flag) => json.WriteBooleanValue(flag)),
        RawColumnData<int> numbers => Of(numbers, static (json, number) => json.WriteNumberValue(number)),
        RawColumnData<long> numbers => Of(numbers, static (json, number) => json.WriteNumberValue(number)),
        RawColumnData<short> numbers => Of(numbers, static (json, number) => json.WriteNumberValue(number)),
        RawColumnData<sbyte> numbers => Of(numbers, static (json, number) => json.WriteNumberValue(number)),
        RawColumnData<byte> numbers => Of(numbers, static (json, number) => json.WriteNumberValue(number)),
        RawColumnData<ushort> numbers => Of(numbers, static (json, number) => json.WriteNumberValue(number)),
        RawColumnData<uint> numbers => Of(numbers, static (json, number) => json.WriteNumberValue(number)),
        RawColumnData<ulong> numbers => Of(numbers, static (json, number) => json.WriteNumberValue(number)),
        RawColumnData<float> numbers => Of(numbers, static (json, number) => WriteNumber(json, number)),
        RawColumnData<double> numbers => Of(numbers, static (json, number) => WriteNumber(json, number)),
        _ => throw new InvalidDataException($"the column {field.Path} has values of the type {raw.GetType()}"),
    };

    // Texts of a disposed column would be those of a buffer that another uses.
    private static (Action<Utf8JsonWriter, int> Write, int Count) Of<T>(RawColumnData<T> raw, Action<Utf8JsonWriter, T> write) where T : struct
    {
        T[] values = raw.Values.ToArray();
        if (values is ReadOnlyMemory<char>[] texts)
            for (int i = 0; i < texts.Length; i++)
                texts[i] = texts[i].ToArray();
        return ((json, place) => write(json, values[place]), values.Length);
    }

    // JSON has no numbers that are infinite or none.
    private static void WriteNumber(Utf8JsonWriter json, double number)
    {
        if (double.IsFinite(number))
            json.WriteNumberValue(number);
        else
            json.WriteNullValue();
    }
}
