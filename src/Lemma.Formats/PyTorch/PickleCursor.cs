using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Lemma.Formats;

/// <summary>A place in a pickle that moves forward and says where it is; errors do not name the file.</summary>
internal ref struct PickleCursor
{
    private const int LongestText = 1 << 20, LongestNumber = 16, LongestShown = 60;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly MappedFile.Loan loan;
    private readonly long begin, end;
    private readonly string where;
    private long opcode;

    /// <summary>Stands at the first of the bytes between two places of a file, which errors call <paramref name="where"/>.</summary>
    public PickleCursor(MappedFile.Loan loan, long begin, long end, string where)
    {
        this.loan = loan;
        this.where = where;
        this.begin = opcode = Position = begin;
        this.end = end;
    }

    /// <summary>The next byte in the file.</summary>
    public long Position { get; private set; }

    /// <summary>The next opcode, which errors name from then on.</summary>
    public byte Opcode()
    {
        opcode = Position;
        return Take(1)[0];
    }

    /// <summary>The next bytes.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > end - Position)
            throw Error($"it needs {count} bytes, but {end - Position} are left");
        Position += count;
        return loan.Slice(Position - count, count);
    }

    /// <summary>A length of 1, 4 or 8 bytes of what follows.</summary>
    public int Length(int width)
    {
        ulong length = width switch
        {
            1 => Take(1)[0],
            4 => BinaryPrimitives.ReadUInt32LittleEndian(Take(4)),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(Take(8)),
        };
        return length <= LongestText ? (int)length : throw Error($"a text must have at most {LongestText} bytes, but has {length}");
    }

    /// <summary>A text of a length.</summary>
    public string Text(int length)
    {
        try
        {
            return Strict.GetString(Take(length));
        }
        catch (DecoderFallbackException)
        {
            throw Error("a text must be UTF-8, but is not");
        }
    }

    /// <summary>A text up to the end of the line.</summary>
    public string Line()
    {
        ReadOnlySpan<byte> rest = loan.Slice(Position, (int)Math.Min(end - Position, LongestText));
        int length = rest.IndexOf((byte)'\n');
        if (length < 0)
            throw Error("a line must end, but does not");
        string text = Text(length);
        Position++;
        return text;
    }

    /// <summary>A whole number of some bytes: of 64 bits where it fits.</summary>
    public object Number(int length)
    {
        if (length > LongestNumber)
            throw Error($"a number must have at most {LongestNumber} bytes, but has {length}");
        BigInteger number = new(Take(length));
        return number >= long.MinValue && number <= long.MaxValue ? (object)(long)number : number;
    }

    /// <summary>The error that what the last opcode says breaks a rule.</summary>
    public readonly InvalidDataException Error(string rule) => new($"{where}, byte {opcode - begin}: {rule}");

    /// <summary>A value as errors show it: its beginning.</summary>
    public static string Shown(object? value) =>
        $"{value}" is { Length: > LongestShown } text ? string.Concat(text.AsSpan(0, LongestShown), "...") : $"{value}";
}
