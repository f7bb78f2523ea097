using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Lemma.Data;

/// <summary>Lines of a file of JSON, of which no more than one is in memory.</summary>
/// <remarks>Lines end at line feeds alone: other separators may stand inside a string.</remarks>
internal static class JsonLines
{
    private const int LongestLine = 1 << 28;
    private static readonly byte[] Mark = [0xEF, 0xBB, 0xBF];

    /// <summary>The lines that are not blank, as checked UTF-8, each with its number from 1; the bytes are those of a buffer that the next line reuses.</summary>
    public static IEnumerable<(ReadOnlyMemory<byte> Line, int Number)> Read(string file, Encoding? encoding)
    {
        using Stream stream = Open(file, encoding);
        byte[] buffer = new byte[1 << 16];
        int number = 0, start = 0, seen = 0, end = 0;
        for (bool isLast = false; !isLast || start < end;)
        {
            int length = buffer.AsSpan(seen, end - seen).IndexOf((byte)'\n');
            if (length < 0 && !isLast)
            {
                seen = end;
                MakeRoom(file, ref buffer, ref start, ref seen, ref end);
                int read = Fill(stream, buffer.AsSpan(end), file, number + 1);
                (isLast, end) = (read == 0, end + read);
                continue;
            }
            int stop = length < 0 ? end : seen + length;
            ReadOnlyMemory<byte> line = buffer.AsMemory(start, stop - start);
            start = seen = Math.Min(end, stop + 1);
            if (number++ == 0 && line.Span.StartsWith(Mark))
                line = line[Mark.Length..];
            if (line.Span.ContainsAnyExcept(" \t\r"u8))
                yield return (Checked(line, file, number), number);
        }
    }

    /// <summary>Reads JSON whose errors name a place.</summary>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json, string source)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{source}: not JSON at byte {e.BytePositionInLine}");
        }
    }

    private static Stream Open(string file, Encoding? encoding)
    {
        FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        return encoding is null or UTF8Encoding ? stream : Encoding.CreateTranscodingStream(stream,
            Encoding.GetEncoding(encoding.CodePage, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback), Encoding.UTF8);
    }

    private static int Fill(Stream stream, Span<byte> room, string file, int line)
    {
        try
        {
            return stream.Read(room);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"{file}: line {line} or behind it: not in the encoding that was named, at the byte 0x{e.BytesUnknown?[0]:X2}");
        }
    }

    private static void MakeRoom(string file, ref byte[] buffer, ref int start, ref int seen, ref int end)
    {
        if (start > 0)
            buffer.AsSpan(start, end - start).CopyTo(buffer);
        else if (end == buffer.Length && buffer.Length >= LongestLine)
            throw new InvalidDataException($"{file}: a line may have {LongestLine} bytes, but one has more");
        else if (end == buffer.Length)
            Array.Resize(ref buffer, 2 * buffer.Length);
        (start, seen, end) = (0, seen - start, end - start);
    }

    private static ReadOnlyMemory<byte> Checked(ReadOnlyMemory<byte> line, string file, int number)
    {
        if (Utf8.IsValid(line.Span))
            return line;
        int at = 0;
        while (Rune.DecodeFromUtf8(line.Span[at..], out _, out int consumed) == System.Buffers.OperationStatus.Done)
            at += consumed;
        throw new InvalidDataException($"{file}: line {number}: not UTF-8: byte 0x{line.Span[at]:X2} at byte {at}; name the encoding with --encoding");
    }
}
