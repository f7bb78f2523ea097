using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace Lemma.Parquet;

/// <summary>The values of one column of a group of rows with their levels, read in order.</summary>
internal sealed class Column : RowPart
{
    private const long MostValues = 1 << 26;
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
    public static Column? Of(DataField field, ParquetRowGroupReader rows) => Type.GetTypeCode(field.ClrType) switch
    {
        // The type is named, so that a program compiled ahead of time has the code for it.
        _ when field.ClrType == typeof(ReadOnlyMemory<char>) => Read<ReadOnlyMemory<char>>(field, rows, static (json, text) => json.WriteStringValue(text.Span)),
        TypeCode.Boolean => Read<bool>(field, rows, static (json, flag) => json.WriteBooleanValue(flag)),
        TypeCode.SByte => Read<sbyte>(field, rows, static (json, number) => json.WriteNumberValue(number)),
        TypeCode.Byte => Read<byte>(field, rows, static (json, number) => json.WriteNumberValue(number)),
        TypeCode.Int16 => Read<short>(field, rows, static (json, number) => json.WriteNumberValue(number)),
        TypeCode.UInt16 => Read<ushort>(field, rows, static (json, number) => json.WriteNumberValue(number)),
        TypeCode.Int32 => Read<int>(field, rows, static (json, number) => json.WriteNumberValue(number)),
        TypeCode.UInt32 => Read<uint>(field, rows, static (json, number) => json.WriteNumberValue(number)),
        TypeCode.Int64 => Read<long>(field, rows, static (json, number) => json.WriteNumberValue(number)),
        TypeCode.UInt64 => Read<ulong>(field, rows, static (json, number) => json.WriteNumberValue(number)),
        TypeCode.Single => Read<float>(field, rows, static (json, number) => WriteNumber(json, number)),
        TypeCode.Double => Read<double>(field, rows, static (json, number) => WriteNumber(json, number)),
        _ => null,
    };

    public override void Write(Utf8JsonWriter json)
    {
        if (Definition == deepest)
            write(json, value++);
        else
            json.WriteNullValue();
        at++;
    }

    public override void Skip() => at++;

    private static Column Read<T>(DataField field, ParquetRowGroupReader rows, Action<Utf8JsonWriter, T> write) where T : struct
    {
        long values = rows.GetMetadata(field)?.MetaData?.NumValues ?? throw new InvalidDataException($"the column {field.Path} is not in every group of rows");
        if (values is < 0 or > MostValues)
            throw new InvalidDataException($"the column {field.Path} must have at most {MostValues} values in a group of rows, but it has {values}");
        T[] read = new T[values];
        int[]? definitions = field.MaxDefinitionLevel > 0 ? new int[values] : null, repetitions = field.MaxRepetitionLevel > 0 ? new int[values] : null;
        rows.ReadRawAsync<T>(field, read, Levels(definitions), Levels(repetitions)).AsTask().GetAwaiter().GetResult();
        return new Column((json, place) => write(json, read[place]), definitions, repetitions, field.MaxDefinitionLevel, (int)values);
    }

    // A bare null would become an array's, and so an empty memory and not a missing one.
    private static Memory<int>? Levels(int[]? levels) => levels is null ? default(Memory<int>?) : new Memory<int>(levels);

    // JSON has no numbers that are infinite or none.
    private static void WriteNumber(Utf8JsonWriter json, double number)
    {
        if (double.IsFinite(number))
            json.WriteNumberValue(number);
        else
            json.WriteNullValue();
    }
}
