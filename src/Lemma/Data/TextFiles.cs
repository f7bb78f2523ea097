using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Lemma.Data;

/// <summary>Reads documents from files: a <c>.jsonl</c> file has one in the field <c>text</c> of every line, any other file is
/// one.</summary>
/// <remarks>Bytes are checked strictly: nothing is replaced in silence. What is broken is refused with
/// <see cref="InvalidDataException"/>.</remarks>
public static class TextFiles
{
    private const long MaximumBytes = 1_000_000_000;
    private static readonly string[] Endings = [".txt", ".jsonl"];
    private static readonly byte[] Utf8Mark = [0xEF, 0xBB, 0xBF];

    /// <summary>Reads every document behind a list of files, folders and globs, in the ordinal order of the files' full paths.</summary>
    /// <param name="arguments">Files, folders (their <c>.txt</c> and <c>.jsonl</c> files, at any depth) and globs (<c>*</c>, <c>?</c>,
    /// <c>**</c>).</param>
    /// <param name="encoding">The encoding of the files; UTF-8 when null.</param>
    public static List<TextDocument> Read(IReadOnlyList<string> arguments, Encoding? encoding = null) => [.. Stream(arguments, encoding)];

    /// <summary>As <see cref="Read"/>, but reads each file, and each line of a <c>.jsonl</c> file, when its documents are asked for, and keeps none.</summary>
    public static IEnumerable<TextDocument> Stream(IReadOnlyList<string> arguments, Encoding? encoding = null)
    {
        bool any = false;
        foreach (string file in FilePatterns.Resolve(arguments, Endings))
        {
            bool hasLines = Path.GetExtension(file).Equals(".jsonl", StringComparison.OrdinalIgnoreCase);
            foreach (TextDocument document in hasLines ? Lines(file, encoding) : [new(file, ReadText(file, encoding))])
            {
                if (document.Text.Length == 0)
                    continue;
                any = true;
                yield return document;
            }
        }
        if (!any)
            throw new InvalidDataException($"data: there is no text in {string.Join(", ", arguments)}");
    }

    /// <summary>Reads one file as text; a byte order mark is left out.</summary>
    public static string ReadText(string file, Encoding? encoding = null)
    {
        long length = new FileInfo(file).Length;
        if (length > MaximumBytes)
            throw new InvalidDataException($"{file}: it has {length} bytes; a file may have {MaximumBytes}, so split it into several");
        byte[] bytes = File.ReadAllBytes(file);
        return encoding == null ? FromUtf8(bytes, file) : From(encoding, bytes, file);
    }

    private static string FromUtf8(ReadOnlySpan<byte> bytes, string file)
    {
        int start = bytes.StartsWith(Utf8Mark) ? Utf8Mark.Length : 0;
        if (Utf8.IsValid(bytes))
            return Encoding.UTF8.GetString(bytes[start..]);
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int consumed) == System.Buffers.OperationStatus.Done)
            at += consumed;
        throw new InvalidDataException($"{file}: not UTF-8: byte 0x{bytes[at]:X2} at offset {at}; name the encoding with --encoding");
    }

    private static string From(Encoding encoding, byte[] bytes, string file)
    {
        Encoding strict = Encoding.GetEncoding(encoding.CodePage, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
        int start = bytes.AsSpan().StartsWith(encoding.Preamble) ? encoding.Preamble.Length : 0;
        try
        {
            return strict.GetString(bytes, start, bytes.Length - start);
        }
        catch (DecoderFallbackException e)
        {
            byte wrong = e.BytesUnknown is [byte first, ..] ? first : (byte)0;
            throw new InvalidDataException($"{file}: not {encoding.WebName}: byte 0x{wrong:X2} near offset {start + e.Index}");
        }
    }

    private static IEnumerable<TextDocument> Lines(string file, Encoding? encoding)
    {
        foreach ((ReadOnlyMemory<byte> line, int number) in JsonLines.Read(file, encoding))
        {
            string source = $"{file}: line {number}";
            yield return new(source, TextField(line, source));
        }
    }

    private static string TextField(ReadOnlyMemory<byte> line, string source)
    {
        using JsonDocument json = JsonLines.Parse(line, source);
        if (json.RootElement.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{source}: a JSON object is needed, but it is a JSON {json.RootElement.ValueKind}");
        if (!json.RootElement.TryGetProperty("text", out JsonElement field) || field.ValueKind != JsonValueKind.String)
            throw new InvalidDataException($"{source}: the object has no field \"text\" that holds a text");
        try
        {
            return field.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair: valid JSON, but no text.
            throw new InvalidDataException($"{source}: the field \"text\" is not valid text");
        }
    }
}
