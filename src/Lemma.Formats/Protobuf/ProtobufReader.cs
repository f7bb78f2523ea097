namespace Lemma.Formats;

/// <summary>Reads the fields of a protocol buffers message, one after another.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string place)
{
    private readonly ReadOnlySpan<byte> message = message;
    private int at;

    /// <summary>The number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>The value of the current field as a whole number.</summary>
    public ulong Number { get; private set; }

    /// <summary>The bytes of the current field.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>The current field as a number of 32 bits with a fraction.</summary>
    public readonly float Real => BitConverter.UInt32BitsToSingle((uint)Number);

    /// <summary>The current field as text.</summary>
    public readonly string Text
    {
        get
        {
            if (!System.Text.Unicode.Utf8.IsValid(Bytes))
                throw new InvalidDataException($"{place}: field {Field} must be UTF-8, but is not");
            return System.Text.Encoding.UTF8.GetString(Bytes);
        }
    }

    /// <summary>Goes to the next field; false at the end.</summary>
    public bool Next()
    {
        if (at == message.Length)
            return false;
        ulong tag = ReadVarint();
        Field = (int)Math.Min(int.MaxValue, tag >> 3);
        Number = 0;
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                Number = ReadVarint();
                break;
            case 1:
                Number = BitConverter.ToUInt64(Take(8));
                break;
            case 2:
                Bytes = Take(ReadVarint());
                break;
            case 5:
                Number = BitConverter.ToUInt32(Take(4));
                break;
            default:
                throw new InvalidDataException($"{place}: a field must have the wire type 0, 1, 2 or 5, but has {tag & 7} before byte {at}");
        }
        return true;
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(message.Length - at))
            throw new InvalidDataException($"{place}: field {Field} must have {count} bytes from byte {at} on, but {message.Length - at} are left");
        at += (int)count;
        return message.Slice(at - (int)count, (int)count);
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (at == message.Length)
                throw new InvalidDataException($"{place}: a number must end, but the bytes do, at {at}");
            byte part = message[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
        throw new InvalidDataException($"{place}: a number must have at most 10 bytes, but has more, at byte {at}");
    }
}
