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
    private static readonly byte[] Utf8Mark = [0xEF, 0xBB, 0xBF];

    /// <summary>Reads every document behind a list of files, folders and globs, in the ordinal order of the files' full paths.</summary>
    /// <param name="arguments">Files, folders (their <c>.txt</c> and <c>.jsonl</c> files, at any depth) and globs (<c>*</c>, <c>?</c>,
    /// <c>**</c>).</param>
    /// <param name="encoding">The encoding of the files; UTF-8 when null.</param>
    public static List<TextDocument> Read(IReadOnlyList<string> arguments, Encoding? encoding = null) => [.. Stream(arguments, encoding)];

    /// <summary>As <see cref="Read"/>, but reads each file when its documents are asked for, and keeps none.</summary>
    public static IEnumerable<TextDocument> Stream(IReadOnlyList<string> arguments, Encoding? encoding = null)
    {
        bool any = false;
        foreach (string file in FilePatterns.Resolve(arguments))
        {
            string text = ReadText(file, encoding);
            IEnumerable<TextDocument> documents = Path.GetExtension(file).Equals(".jsonl", StringComparison.OrdinalIgnoreCase)
                ? Lines(file, text) : text.Length > 0 ? [new(file, text)] : [];
            foreach (TextDocument document in documents)
            {
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

    // Lines of JSON end at line feeds alone: other separators may stand inside a string.
    private static IEnumerable<TextDocument> Lines(string file, string text)
    {
        int line = 0;
        for (int at = 0, end; at < text.Length; at = end + 1)
        {
            end = text.IndexOf('\n', at);
            if (end < 0)
                end = text.Length;
            line++;
            if (text.AsSpan(at, end - at).IsWhiteSpace())
                continue;
            string source = $"{file}: line {line}";
            string document = TextField(text[at..end], source);
            if (document.Length > 0)
                yield return new(source, document);
        }
    }

    private static string TextField(string line, string source)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{source}: a JSON object is needed, but it is a JSON {json.RootElement.ValueKind}");
            if (!json.RootElement.TryGetProperty("text", out JsonElement field) || field.ValueKind != JsonValueKind.String)
                throw new InvalidDataException($"{source}: the object has no field \"text\" that holds a text");
            return field.GetString()!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{source}: not JSON at byte {e.BytePositionInLine}");
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair: valid JSON, but no text.
            throw new InvalidDataException($"{source}: the field \"text\" is not valid text");
        }
    }
}
