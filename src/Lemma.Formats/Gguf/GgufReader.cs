using System.Buffers.Binary;
using System.Text;

namespace Lemma.Formats;

/// <summary>Reads the settings at the start of a GGUF file; of arrays only those that are asked for.</summary>
internal sealed class GgufReader(Stream stream, Func<string, bool> isWanted)
{
    private const ulong MostSettings = 1 << 16, LongestText = 1 << 24, MostItems = 1 << 22;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly byte[] small = new byte[8];

    private enum Kind : uint { Byte, SignedByte, UShort, Short, UInt, Int, Float, Bool, Text, Array, ULong, Long, Double }

    /// <summary>The settings by name; numbers are doubles or longs, arrays are arrays of those or of texts.</summary>
    public Dictionary<string, object> Read()
    {
        if (UInt() != 0x46554747)
            throw new InvalidDataException("the file must start with GGUF, but does not");
        uint version = UInt();
        if (version is not (2 or 3))
            throw new InvalidDataException($"the version must be 2 or 3, but is {version}");
        ULong();
        ulong count = ULong();
        if (count > MostSettings)
            throw new InvalidDataException($"there must be at most {MostSettings} settings, but there are {count}");
        Dictionary<string, object> settings = new(StringComparer.Ordinal);
        for (ulong i = 0; i < count; i++)
        {
            string name = Text();
            object? value = Value(ReadKind(), isWanted(name), depth: 0);
            if (value is not null && !settings.TryAdd(name, value))
                throw new InvalidDataException($"the setting '{name}' occurs twice");
        }
        return settings;
    }

    private Kind ReadKind() => UInt() is uint kind and <= (uint)Kind.Double ? (Kind)kind
        : throw new InvalidDataException($"a setting must have a type 0 to 12, but has another before byte {stream.Position}");

    private object? Value(Kind kind, bool wanted, int depth) => kind switch
    {
        Kind.Text => wanted ? Text() : SkipText(),
        Kind.Array => Array(wanted, depth),
        _ => Number(kind),
    };

    private object Number(Kind kind) => kind switch
    {
        Kind.Byte or Kind.Bool => (object)(long)Bytes(1)[0],
        Kind.SignedByte => (long)(sbyte)Bytes(1)[0],
        Kind.UShort => (long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2)),
        Kind.Short => (long)BinaryPrimitives.ReadInt16LittleEndian(Bytes(2)),
        Kind.UInt => (long)UInt(),
        Kind.Int => (long)(int)UInt(),
        Kind.Float => (double)BinaryPrimitives.ReadSingleLittleEndian(Bytes(4)),
        Kind.Double => BinaryPrimitives.ReadDoubleLittleEndian(Bytes(8)),
        _ => (long)ULong(),
    };

    private object[]? Array(bool wanted, int depth)
    {
        Kind kind = ReadKind();
        ulong count = ULong();
        if (depth > 2)
            throw new InvalidDataException($"arrays must stand in at most two others, but one before byte {stream.Position} is deeper");
        if (count > MostItems && (wanted || kind is Kind.Text or Kind.Array))
            throw new InvalidDataException($"an array must have at most {MostItems} items, but one before byte {stream.Position} has {count}");
        if (!wanted && kind is not (Kind.Text or Kind.Array))
        {
            Skip(count, WidthOf(kind));
            return null;
        }
        List<object> items = [];
        for (ulong i = 0; i < count; i++)
            if (Value(kind, wanted, depth + 1) is object item)
                items.Add(item);
        return wanted ? [.. items] : null;
    }

    private static uint WidthOf(Kind kind) => kind switch
    {
        Kind.Byte or Kind.SignedByte or Kind.Bool => 1,
        Kind.UShort or Kind.Short => 2,
        Kind.UInt or Kind.Int or Kind.Float => 4,
        _ => 8,
    };

    private string Text()
    {
        ulong length = ULong();
        if (length > LongestText || length > (ulong)(stream.Length - stream.Position))
            throw new InvalidDataException(
                $"a text must have at most {Math.Min((long)LongestText, stream.Length - stream.Position)} bytes, but one at byte {stream.Position} has {length}");
        byte[] bytes = new byte[length];
        stream.ReadExactly(bytes);
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new InvalidDataException($"a text before byte {stream.Position} must be UTF-8, but is not");
        }
    }

    private string? SkipText()
    {
        Skip(ULong(), 1);
        return null;
    }

    private void Skip(ulong count, uint width)
    {
        long left = stream.Length - stream.Position;
        if (count > (ulong)left / width)
            throw new InvalidDataException($"a setting at byte {stream.Position} must have at most {left} bytes, but has {count} times {width}");
        stream.Position += (long)(count * width);
    }

    private uint UInt() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    private ulong ULong() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    private Span<byte> Bytes(int count)
    {
        if (stream.ReadAtLeast(small.AsSpan(0, count), count, throwOnEndOfStream: false) < count)
            throw new InvalidDataException($"the settings must end before the file does, at byte {stream.Length}");
        return small.AsSpan(0, count);
    }
}
