using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Lemma.Evaluation.Compression;

/// <summary>What compression made.</summary>
/// <param name="Bytes">The file: header and code.</param>
/// <param name="CodeBytes">The code's bytes, without the header.</param>
/// <param name="Tokens">Tokens that a model predicted.</param>
/// <param name="Escaped">Bytes that are no text or that the tokenizer does not give back; they are coded by how often each came before.</param>
public sealed record CompressedText(byte[] Bytes, long CodeBytes, long Tokens, long Escaped);

/// <summary>Lossless compression by a language model and an arithmetic coder, of any bytes.</summary>
/// <remarks>
/// The file, little-endian: "LEMMAZIP", the version (1 byte), the SHA-256 of weights and tokenizer, the window and its stride (4 bytes each), the SHA-256 of the
/// content, how many segments there are (4 bytes), each with its bytes and its tokens, −1 for bytes that are no text (4 bytes each), the length of the code
/// (4 bytes), the code. A head that asks for more than its code can hold is refused before anything is decoded, memory is taken as symbols come out, and a code
/// that ends too early ends it. Whoever reads it needs the same model; threads, vector widths and batches may be others. The content is checked by its SHA-256.
/// </remarks>
public static class TextCompressor
{
    private const byte Version = 1;
    private const int HashLength = SHA256.HashSizeInBytes, HeadLength = 8 + 1 + HashLength + 4 + 4 + HashLength + 4, Bytes = -1;

    /// <summary>The most bytes of a content.</summary>
    public const int Longest = 1 << 30;

    private static ReadOnlySpan<byte> Magic => "LEMMAZIP"u8;

    /// <summary>Compresses bytes.</summary>
    /// <param name="model">The model.</param>
    /// <param name="content">The bytes; text is UTF-8.</param>
    /// <param name="progress">Told the share that is done, in 0 to 1.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static CompressedText Compress(CodingModel model, ReadOnlySpan<byte> content, IProgress<double>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        Require.That(content.Length <= Longest, $"compression: at most {Longest} bytes are compressed at once, but there are {content.Length}");
        List<TextSegment> segments = TextSegment.Split(content, model.Tokenizer);
        long all = segments.Sum(segment => (long)(segment.Ids?.Length ?? segment.Length)), done = 0;
        RangeEncoder coder = new();
        ByteShares shares = new();
        foreach (TextSegment segment in segments)
        {
            if (segment.Ids is not null)
                model.Encode(segment.Ids, coder, Count);
            else
            {
                foreach (byte value in content.Slice(segment.First, segment.Length))
                    shares.Encode(coder, value);
                Count(segment.Length);
            }
        }
        byte[] code = coder.Finish();
        (int length, int stride) = model.Window;
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(model.Hash);
        writer.Write(length);
        writer.Write(stride);
        writer.Write(SHA256.HashData(content));
        writer.Write(segments.Count);
        foreach (TextSegment segment in segments)
        {
            writer.Write(segment.Length);
            writer.Write(segment.Ids?.Length ?? Bytes);
        }
        writer.Write(code.Length);
        writer.Write(code);
        writer.Flush();
        return new CompressedText(stream.ToArray(), code.Length, segments.Sum(segment => (long)(segment.Ids?.Length ?? 0)),
            segments.Sum(segment => segment.Ids is null ? (long)segment.Length : 0));

        void Count(int some)
        {
            cancellation.ThrowIfCancellationRequested();
            done += some;
            progress?.Report((double)done / all);
        }
    }

    /// <summary>Gives the bytes back.</summary>
    /// <param name="model">The model that compressed them; the window is that of the file.</param>
    /// <param name="file">What <see cref="Compress"/> gave.</param>
    /// <param name="progress">Told the share that is done, in 0 to 1.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidDataException">It is no such file, it is cut or changed, or another model made it.</exception>
    public static byte[] Decompress(CodingModel model, ReadOnlyMemory<byte> file, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ReadOnlySpan<byte> head = file.Span;
        if (head.Length < Magic.Length || !head[..Magic.Length].SequenceEqual(Magic))
            throw Fault("the file does not begin with 'LEMMAZIP', so lemma did not compress it");
        if (head.Length < HeadLength)
            throw Fault($"the file is cut: its head has {HeadLength} bytes, but there are {head.Length}");
        if (head[8] != Version)
            throw Fault($"the file has version {head[8]}, but {Version} is known");
        if (!head.Slice(9, HashLength).SequenceEqual(model.Hash))
        {
            throw Fault($"another model compressed it: its SHA-256 begins with {Convert.ToHexStringLower(head.Slice(9, 8))}, "
                + $"that of this model with {Convert.ToHexStringLower(model.Hash.AsSpan(0, 8))}");
        }
        int at = 9 + HashLength;
        CodingModel windowed = model.WithWindow(Whole(head, at), Whole(head, at + 4));
        byte[] hash = head.Slice(at + 8, HashLength).ToArray();
        (int Length, int Tokens)[] segments = Segments(head, out ReadOnlyMemory<byte> code, file, model.Tokenizer.VocabularySize);
        byte[] content = Content(windowed, segments, new RangeDecoder(code), progress, cancellation);
        if (!SHA256.HashData(content).AsSpan().SequenceEqual(hash))
            throw Fault("the content does not have the SHA-256 of the file's head: the file was changed");
        return content;
    }

    private static (int Length, int Tokens)[] Segments(ReadOnlySpan<byte> head, out ReadOnlyMemory<byte> code, ReadOnlyMemory<byte> file,
        int symbols)
    {
        int count = Whole(head, HeadLength - 4);
        if (count < 0 || HeadLength + 8L * count + 4 > head.Length)
            throw Fault($"the file is cut: {count} segments do not fit {head.Length} bytes");
        (int Length, int Tokens)[] segments = new (int, int)[count];
        long sum = 0;
        for (int i = 0; i < count; i++)
        {
            (int length, int tokens) = segments[i] = (Whole(head, HeadLength + 8 * i), Whole(head, HeadLength + 8 * i + 4));
            if (length <= 0 || tokens < Bytes || tokens > length || (sum += length) > Longest)
                throw Fault($"segment {i} of {length} bytes and {tokens} tokens is not one");
        }
        int begin = HeadLength + 8 * count + 4, expected = Whole(head, begin - 4);
        if (expected != head.Length - begin)
            throw Fault($"the file is cut or longer than it was: its code has {expected} bytes, but {head.Length - begin} stand there");
        // Every symbol costs something, however sure the model was; the last eight bits are what a range may leave.
        long predicted = segments.Sum(segment => (long)Math.Max(0, segment.Tokens));
        long escaped = segments.Sum(segment => segment.Tokens == Bytes ? (long)segment.Length : 0);
        if (predicted * Frequencies.LeastBits(symbols) + escaped * ByteShares.LeastBits > 8.0 * expected + 8)
            throw Fault($"{predicted} tokens and {escaped} bytes that are no text cannot be in a code of {expected} bytes");
        code = file[begin..];
        return segments;
    }

    private static byte[] Content(CodingModel model, (int Length, int Tokens)[] segments, RangeDecoder coder, IProgress<double>? progress,
        CancellationToken cancellation)
    {
        long all = segments.Sum(segment => (long)(segment.Tokens == Bytes ? segment.Length : segment.Tokens)), done = 0;
        ByteShares shares = new();
        using MemoryStream content = new();
        for (int i = 0; i < segments.Length; i++)
        {
            (int length, int tokens) = segments[i];
            if (tokens == Bytes)
            {
                for (int j = 0; j < length; j++)
                    content.WriteByte(shares.Decode(coder));
                Count(length);
                continue;
            }
            byte[] text = System.Text.Encoding.UTF8.GetBytes(model.Tokenizer.Decode(model.Decode(tokens, coder, Count), skipSpecialTokens: false));
            if (text.Length != length)
                throw Fault($"segment {i} has {text.Length} bytes, but the head says {length}: the file was changed");
            content.Write(text);
        }
        return content.ToArray();

        void Count(int some)
        {
            cancellation.ThrowIfCancellationRequested();
            done += some;
            progress?.Report((double)done / all);
        }
    }

    private static int Whole(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);

    private static InvalidDataException Fault(string what) => new(string.Create(CultureInfo.InvariantCulture, $"decompression: {what}"));
}
