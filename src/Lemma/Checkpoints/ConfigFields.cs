using System.Text.Json;
using Lemma.Formats;

namespace Lemma.Checkpoints;

/// <summary>The fields of a record, read from JSON or written to it by one description, so that both cannot differ.</summary>
/// <remarks>
/// A description is a function <c>(fields, value) => new Record { Size = fields.Integer("size", value?.Size) }</c>: reading, the value is null and each
/// field gives what stands in the file; writing, each field writes its value and gives it back. A field that has its fallback is left out.
/// </remarks>
internal readonly struct ConfigFields
{
    private readonly JsonSettings from;
    private readonly Utf8JsonWriter? to;

    private ConfigFields(JsonSettings from, Utf8JsonWriter? to) => (this.from, this.to) = (from, to);

    /// <summary>Reads what a description asks for; the caller refuses what it did not ask for.</summary>
    public static T Read<T>(JsonSettings from, Func<ConfigFields, T?, T> description) where T : class => description(new(from, null), null);

    /// <summary>Writes the fields of a value into the object that the writer is in.</summary>
    public static void Write<T>(Utf8JsonWriter to, T value, Func<ConfigFields, T?, T> description) where T : class =>
        description(new(default, to), value);

    /// <summary>A whole number of at least 0; without a fallback it must be there.</summary>
    public int Integer(string name, int? value, int? fallback = null)
    {
        if (to is null)
            return from.Integer(name, fallback, least: 0);
        if (value != fallback)
            to.WriteNumber(name, value!.Value);
        return value!.Value;
    }

    /// <summary>A whole number of at least 0, or none.</summary>
    public int? IntegerOrNull(string name, int? value)
    {
        if (to is null)
            return from.Has(name) ? from.Integer(name, least: 0) : null;
        if (value is { } number)
            to.WriteNumber(name, number);
        return value;
    }

    /// <summary>A whole number of 64 bits without a sign.</summary>
    public ulong Unsigned(string name, ulong? value, ulong fallback)
    {
        if (to is null)
            return from.Has(name) ? from.Unsigned(name) : fallback;
        if (value != fallback)
            to.WriteNumber(name, value!.Value);
        return value!.Value;
    }

    /// <summary>A number of single precision; without a fallback it must be there.</summary>
    public float Single(string name, float? value, float? fallback = null)
    {
        if (to is null)
            return from.Single(name, fallback);
        if (value != fallback)
            to.WriteNumber(name, value!.Value);
        return value!.Value;
    }

    /// <summary>A number of single precision or none.</summary>
    public float? SingleOrNull(string name, float? value)
    {
        if (to is null)
            return from.Has(name) ? from.Single(name) : null;
        if (value is { } number)
            to.WriteNumber(name, number);
        return value;
    }

    /// <summary>A number of double precision; without a fallback it must be there.</summary>
    public double Double(string name, double? value, double? fallback = null)
    {
        if (to is null)
            return from.Number(name, fallback);
        if (value != fallback)
            to.WriteNumber(name, value!.Value);
        return value!.Value;
    }

    /// <summary>A number of double precision or none.</summary>
    public double? DoubleOrNull(string name, double? value)
    {
        if (to is null)
            return from.Has(name) ? from.Number(name) : null;
        if (value is { } number)
            to.WriteNumber(name, number);
        return value;
    }

    /// <summary>True or false.</summary>
    public bool Flag(string name, bool? value, bool fallback = false)
    {
        if (to is null)
            return from.Boolean(name, fallback);
        if (value != fallback)
            to.WriteBoolean(name, value!.Value);
        return value!.Value;
    }

    /// <summary>One of the names of an enumeration, in snake case; without a fallback it must be there.</summary>
    public TEnum Choice<TEnum>(string name, TEnum? value, TEnum? fallback = null) where TEnum : struct, Enum
    {
        if (to is null)
        {
            if (from.Text(name, fallback is { } other ? NameOf(other) : null) is not { } text)
                throw from.Missing(name);
            foreach (TEnum known in Enum.GetValues<TEnum>())
            {
                if (NameOf(known) == text)
                    return known;
            }
            throw from.Unknown(name, text, Enum.GetValues<TEnum>().Select(NameOf));
        }
        if (!EqualityComparer<TEnum?>.Default.Equals(value, fallback))
            to.WriteString(name, NameOf(value!.Value));
        return value!.Value;
    }

    /// <summary>Whole numbers.</summary>
    public ValueList<int> Integers(string name, ValueList<int>? value)
    {
        if (to is null)
        {
            JsonSettings settings = from;
            return [.. from.Numbers(name).Select(number => number == Math.Floor(number) && Math.Abs(number) <= int.MaxValue ? (int)number
                : throw settings.Error($"\"{name}\" must be a list of whole numbers of 32 bits, but has {number}"))];
        }
        to.WriteStartArray(name);
        foreach (int number in value!)
            to.WriteNumberValue(number);
        to.WriteEndArray();
        return value;
    }

    /// <summary>Numbers of double precision.</summary>
    public ValueList<double> Doubles(string name, ValueList<double>? value)
    {
        if (to is null)
            return [.. from.Numbers(name)];
        to.WriteStartArray(name);
        foreach (double number in value!)
            to.WriteNumberValue(number);
        to.WriteEndArray();
        return value;
    }

    /// <summary>A record inside that must be there.</summary>
    public T Part<T>(string name, T? value, Func<ConfigFields, T?, T> description) where T : class =>
        PartOrNull(name, value, description) ?? throw from.Missing(name);

    /// <summary>A record inside, or none.</summary>
    public T? PartOrNull<T>(string name, T? value, Func<ConfigFields, T?, T> description) where T : class
    {
        if (to is null)
            return from.Section(name) is { } section ? ReadWhole(section, description) : null;
        if (value is null)
            return null;
        to.WriteStartObject(name);
        description(this, value);
        to.WriteEndObject();
        return value;
    }

    /// <summary>Records in order; equal ones that follow each other are written once, with how many <c>times</c> they stand there.</summary>
    public ValueList<T> Parts<T>(string name, ValueList<T>? value, int most, Func<ConfigFields, T?, T> description) where T : class
    {
        if (to is null)
        {
            List<T> parts = [];
            foreach (JsonSettings section in from.Sections(name))
            {
                int times = section.Integer("times", 1, 1, most);
                if (parts.Count + times > most)
                    throw from.Error($"\"{name}\" has more than {most} entries");
                parts.AddRange(Enumerable.Repeat(ReadWhole(section, description), times));
            }
            return [.. parts];
        }
        to.WriteStartArray(name);
        for (int first = 0, times; first < value!.Count; first += times)
        {
            T part = value[first];
            times = value.Skip(first).TakeWhile(other => other.Equals(part)).Count();
            to.WriteStartObject();
            if (times > 1)
                to.WriteNumber("times", times);
            description(this, part);
            to.WriteEndObject();
        }
        to.WriteEndArray();
        return value;
    }

    /// <summary>Which of several kinds of record this is, by the field <c>type</c>, and its fields.</summary>
    public T Kind<T>(T? value, IReadOnlyList<ConfigKind<T>> kinds) where T : class
    {
        if (to is null)
        {
            string type = from.Text("type") ?? throw from.Missing("type");
            ConfigKind<T> read = kinds.FirstOrDefault(kind => kind.Name == type) ?? throw from.Unknown("type", type, kinds.Select(kind => kind.Name));
            return read.Describe(this, null);
        }
        ConfigKind<T> written = kinds.First(kind => kind.Type == value!.GetType());
        to.WriteString("type", written.Name);
        return written.Describe(this, value);
    }

    private static T ReadWhole<T>(JsonSettings section, Func<ConfigFields, T?, T> description) where T : class
    {
        T part = Read(section, description);
        section.RefuseUnread();
        return part;
    }

    private static string NameOf<TEnum>(TEnum value) where TEnum : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}

/// <summary>One kind of a record that has several.</summary>
/// <param name="Name">What stands in its field <c>type</c>.</param>
/// <param name="Type">The type of the record.</param>
/// <param name="Describe">Its fields.</param>
internal sealed record ConfigKind<T>(string Name, Type Type, Func<ConfigFields, T?, T> Describe) where T : class
{
    /// <summary>The kind that a record of its own type is.</summary>
    public static ConfigKind<T> Of<TOne>(string name, Func<ConfigFields, TOne?, TOne> describe) where TOne : class, T =>
        new(name, typeof(TOne), (fields, value) => describe(fields, (TOne?)value));
}
