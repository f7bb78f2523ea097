using System.Buffers.Binary;

namespace Lemma.Formats;

/// <summary>The values at the start of a GGUF file: numbers, truth values, texts, and arrays of one type.</summary>
internal static class GgufMetadata
{
    private const int MostValues = 1 << 16, MostItems = 1 << 24, MostDepth = 3, LeastBytesOfValue = 13;

    private enum Kind : uint { Byte, SignedByte, UShort, Short, UInt, Int, Float, Bool, Text, Array, ULong, Long, Double }

    /// <summary>Reads the values of a file alone; errors do not name it.</summary>
    public static Dictionary<string, object> Read(MappedFile file)
    {
        using MappedFile.Loan loan = file.Borrow();
        GgufCursor cursor = new(loan, file.Length);
        return Read(ref cursor, out _);
    }

    /// <summary>Reads the values, and how many tensors follow; the cursor stands behind them then.</summary>
    public static Dictionary<string, object> Read(ref GgufCursor cursor, out int tensors)
    {
        if (cursor.Left < 4 || cursor.UInt() != GgufReader.Magic)
            throw new InvalidDataException("the file must start with GGUF, but does not");
        uint version = cursor.UInt();
        if (BinaryPrimitives.ReverseEndianness(version) is 2 or 3)
            throw new InvalidDataException("the file is in big-endian order, which is not supported");
        if (version is not (2 or 3))
            throw new InvalidDataException($"the version must be 2 or 3, but is {version}");
        tensors = cursor.Count("tensors", GgufReader.LeastBytesOfTensor, GgufReader.MostTensors);
        int count = cursor.Count("settings", LeastBytesOfValue, MostValues);
        Dictionary<string, object> values = new(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            string name = cursor.Text();
            if (!values.TryAdd(name, Value(ref cursor, ReadKind(ref cursor), depth: 0)))
                throw new InvalidDataException($"the setting '{name}' occurs twice");
        }
        return values;
    }

    /// <summary>Writes a value with its type before it.</summary>
    public static void Write(BinaryWriter writer, string name, object value)
    {
        Kind kind = KindOf(name, value);
        writer.Write((uint)kind);
        if (value is not System.Array items)
        {
            WriteOne(writer, value);
            return;
        }
        // An array of whole numbers without signs passes for one with signs where types are matched, so the element's type is asked.
        Kind inside = Type.GetTypeCode(items.GetType().GetElementType()) switch
        {
            TypeCode.Byte => Kind.Byte,
            TypeCode.SByte => Kind.SignedByte,
            TypeCode.UInt16 => Kind.UShort,
            TypeCode.Int16 => Kind.Short,
            TypeCode.UInt32 => Kind.UInt,
            TypeCode.Int32 => Kind.Int,
            TypeCode.Single => Kind.Float,
            TypeCode.Boolean => Kind.Bool,
            TypeCode.String => Kind.Text,
            TypeCode.UInt64 => Kind.ULong,
            TypeCode.Int64 => Kind.Long,
            _ => Kind.Double,
        };
        writer.Write((uint)inside);
        writer.Write((long)items.Length);
        foreach (object item in items)
            WriteOne(writer, item);
    }

    private static Kind KindOf(string name, object value) => value switch
    {
        byte => Kind.Byte,
        sbyte => Kind.SignedByte,
        ushort => Kind.UShort,
        short => Kind.Short,
        uint => Kind.UInt,
        int => Kind.Int,
        float => Kind.Float,
        bool => Kind.Bool,
        string => Kind.Text,
        byte[] or sbyte[] or ushort[] or short[] or uint[] or int[] or float[] or bool[] or string[] or ulong[] or long[] or double[] => Kind.Array,
        ulong => Kind.ULong,
        long => Kind.Long,
        double => Kind.Double,
        _ => throw new ArgumentException($"gguf: the value '{name}' must be a number, a truth value, a text or an array of these, but is a {value.GetType().Name}"),
    };

    private static void WriteOne(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case byte number:
                writer.Write(number);
                break;
            case sbyte number:
                writer.Write(number);
                break;
            case ushort number:
                writer.Write(number);
                break;
            case short number:
                writer.Write(number);
                break;
            case uint number:
                writer.Write(number);
                break;
            case int number:
                writer.Write(number);
                break;
            case float number:
                writer.Write(number);
                break;
            case bool flag:
                writer.Write(flag);
                break;
            case string text:
                GgufWriter.Write(writer, text);
                break;
            case ulong number:
                writer.Write(number);
                break;
            case long number:
                writer.Write(number);
                break;
            default:
                writer.Write((double)value);
                break;
        }
    }

    private static Kind ReadKind(ref GgufCursor cursor)
    {
        long place = cursor.Position;
        uint kind = cursor.UInt();
        return kind <= (uint)Kind.Double ? (Kind)kind
            : throw new InvalidDataException($"a setting must have a type 0 to 12, but byte {place} says {kind}");
    }

    private static object Value(ref GgufCursor cursor, Kind kind, int depth) => kind switch
    {
        Kind.Byte => cursor.Take(1)[0],
        Kind.SignedByte => (sbyte)cursor.Take(1)[0],
        Kind.UShort => BinaryPrimitives.ReadUInt16LittleEndian(cursor.Take(2)),
        Kind.Short => BinaryPrimitives.ReadInt16LittleEndian(cursor.Take(2)),
        Kind.UInt => cursor.UInt(),
        Kind.Int => (int)cursor.UInt(),
        Kind.Float => BinaryPrimitives.ReadSingleLittleEndian(cursor.Take(4)),
        Kind.Bool => Truth(ref cursor),
        Kind.Text => cursor.Text(),
        Kind.Array => Array(ref cursor, depth + 1),
        Kind.ULong => cursor.ULong(),
        Kind.Long => (long)cursor.ULong(),
        _ => BinaryPrimitives.ReadDoubleLittleEndian(cursor.Take(8)),
    };

    private static object Array(ref GgufCursor cursor, int depth)
    {
        if (depth > MostDepth)
            throw new InvalidDataException($"arrays must stand in at most {MostDepth - 1} others, but one at byte {cursor.Position} is deeper");
        Kind kind = ReadKind(ref cursor);
        int count = cursor.Count("items in an array", BytesOf(kind), MostItems);
        return kind switch
        {
            Kind.Byte => cursor.Take(count).ToArray(),
            Kind.SignedByte => Items<sbyte>(ref cursor, kind, count, depth),
            Kind.UShort => Items<ushort>(ref cursor, kind, count, depth),
            Kind.Short => Items<short>(ref cursor, kind, count, depth),
            Kind.UInt => Items<uint>(ref cursor, kind, count, depth),
            Kind.Int => Items<int>(ref cursor, kind, count, depth),
            Kind.Float => Items<float>(ref cursor, kind, count, depth),
            Kind.Bool => Items<bool>(ref cursor, kind, count, depth),
            Kind.Text => Items<string>(ref cursor, kind, count, depth),
            Kind.Array => Items<object>(ref cursor, kind, count, depth),
            Kind.ULong => Items<ulong>(ref cursor, kind, count, depth),
            Kind.Long => Items<long>(ref cursor, kind, count, depth),
            _ => Items<double>(ref cursor, kind, count, depth),
        };
    }

    private static T[] Items<T>(ref GgufCursor cursor, Kind kind, int count, int depth)
    {
        T[] items = new T[count];
        for (int i = 0; i < count; i++)
            items[i] = (T)Value(ref cursor, kind, depth);
        return items;
    }

    private static bool Truth(ref GgufCursor cursor)
    {
        byte value = cursor.Take(1)[0];
        return value <= 1 ? value == 1 : throw new InvalidDataException($"true must be 1 and false 0, but byte {cursor.Position - 1} is {value}");
    }

    // The least: a text and an array start with their lengths.
    private static int BytesOf(Kind kind) => kind switch
    {
        Kind.Byte or Kind.SignedByte or Kind.Bool => 1,
        Kind.UShort or Kind.Short => 2,
        Kind.UInt or Kind.Int or Kind.Float => 4,
        Kind.Array => 12,
        _ => 8,
    };
}
