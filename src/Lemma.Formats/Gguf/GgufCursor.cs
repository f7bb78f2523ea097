using System.Buffers.Binary;
using System.Text;

namespace Lemma.Formats;

/// <summary>A place in a GGUF file that moves forward; every length is checked against what is left before memory is taken.</summary>
internal ref struct GgufCursor(MappedFile.Loan loan, long length)
{
    private const int LongestText = 1 << 24;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly MappedFile.Loan loan = loan;

    /// <summary>The next byte.</summary>
    public long Position { get; private set; }

    /// <summary>How many bytes follow.</summary>
    public readonly long Left => length - Position;

    /// <summary>The next bytes.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > Left)
            throw new InvalidDataException($"{count} bytes are needed at byte {Position}, but {Left} are left");
        Position += count;
        return loan.Slice(Position - count, count);
    }

    /// <summary>A whole number of 32 bits.</summary>
    public uint UInt() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    /// <summary>A whole number of 64 bits.</summary>
    public ulong ULong() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>A number of things that take at least some bytes each.</summary>
    public int Count(string what, int bytesOfEach, int most)
    {
        long place = Position;
        ulong count = ULong();
        if (count > (ulong)most || count > (ulong)(Left / bytesOfEach))
            throw new InvalidDataException($"there must be at most {Math.Min(most, Left / bytesOfEach)} {what}, but byte {place} says {count}");
        return (int)count;
    }

    /// <summary>A text: its length and its bytes.</summary>
    public string Text()
    {
        long place = Position;
        ReadOnlySpan<byte> bytes = Take(Count("bytes in a text", 1, LongestText));
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new InvalidDataException($"the text at byte {place} must be UTF-8, but is not");
        }
    }
}
