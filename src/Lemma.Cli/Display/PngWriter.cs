using System.Buffers.Binary;
using System.IO.Compression;

namespace Lemma.Cli.Display;

/// <summary>A PNG file of up to 256 colours (ISO/IEC 15948): signature, header, palette, one compressed block of lines, end.</summary>
internal static class PngWriter
{
    private static readonly uint[] Remainders = [.. Enumerable.Range(0, 256).Select(value =>
    {
        uint remainder = (uint)value;
        for (int bit = 0; bit < 8; bit++)
            remainder = (remainder & 1) == 0 ? remainder >> 1 : remainder >> 1 ^ 0xEDB88320;
        return remainder;
    })];

    /// <summary>Writes lines of pixels, each the number of a colour.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="width">Pixels of a line.</param>
    /// <param name="pixels">Line after line.</param>
    /// <param name="palette">Red, green and blue of each colour.</param>
    public static void Write(Stream stream, int width, ReadOnlySpan<byte> pixels, ReadOnlySpan<byte> palette)
    {
        stream.Write([0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n']);
        Span<byte> header = stackalloc byte[13];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], pixels.Length / width);
        // Eight bits a pixel, colours of a palette; deflate, no filter but that of each line, not interlaced.
        (header[8], header[9]) = (8, 3);
        Chunk(stream, "IHDR"u8, header);
        Chunk(stream, "PLTE"u8, palette);
        using MemoryStream compressed = new();
        using (ZLibStream deflate = new(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (int first = 0; first < pixels.Length; first += width)
            {
                deflate.WriteByte(0);
                deflate.Write(pixels.Slice(first, width));
            }
        }
        Chunk(stream, "IDAT"u8, compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
        Chunk(stream, "IEND"u8, []);
    }

    private static void Chunk(Stream stream, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        stream.Write(number);
        stream.Write(name);
        stream.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Add(Add(uint.MaxValue, name), data));
        stream.Write(number);
    }

    private static uint Add(uint sum, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
            sum = Remainders[(byte)(sum ^ value)] ^ sum >> 8;
        return sum;
    }
}
