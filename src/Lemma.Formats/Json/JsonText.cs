using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Lemma.Formats;

/// <summary>JSON as the world writes it: with a byte-order mark, and with Python's NaN and Infinity in fields that nobody reads.</summary>
internal static class JsonText
{
    private const int MaximumDepth = 64;

    /// <summary>The document of a file that has at most <paramref name="maximumBytes"/>; errors name the file.</summary>
    public static JsonDocument Read(string path, long maximumBytes)
    {
        long length = new FileInfo(path).Length;
        if (length > maximumBytes)
            throw Fault.In(path, $"it has {length} bytes, more than the {maximumBytes} that such a file may have");
        try
        {
            return Parse(File.ReadAllBytes(path));
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{path}: {error.Message}", error);
        }
    }

    /// <summary>The document of a file's bytes.</summary>
    /// <remarks>NaN and Infinity become texts, so a field that is read as a number refuses them.</remarks>
    /// <exception cref="InvalidDataException">It is not JSON, or a key occurs twice; the message names the place.</exception>
    public static JsonDocument Parse(byte[] bytes)
    {
        JsonDocumentOptions options = new() { AllowDuplicateProperties = false };
        ReadOnlyMemory<byte> text = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsMemory(3) : bytes;
        try
        {
            return JsonDocument.Parse(text, options);
        }
        catch (InvalidOperationException)
        {
            // A name is half a surrogate pair: who reads it tells its place.
            return JsonDocument.Parse(text);
        }
        catch (JsonException error)
        {
            // Which fault it was is only looked for now, so files without one are read once.
            byte[] quoted = QuoteNumbers(text.Span);
            if (TryFindFault(quoted, out string fault))
                throw new InvalidDataException(fault, error);
            try
            {
                return JsonDocument.Parse(quoted, options);
            }
            catch (JsonException other)
            {
                throw new InvalidDataException(
                    $"the file must be JSON, but line {other.LineNumber + 1}, byte {other.BytePositionInLine + 1} is not", other);
            }
        }
    }

    private static bool TryFindFault(ReadOnlySpan<byte> text, out string fault)
    {
        Utf8JsonReader reader = new(text, new JsonReaderOptions { MaxDepth = MaximumDepth + 1 });
        Stack<HashSet<string>> objects = new();
        fault = "";
        while (TryRead(ref reader))
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= MaximumDepth)
            {
                fault = string.Create(CultureInfo.InvariantCulture,
                    $"objects and arrays must be nested at most {MaximumDepth} deep, but one at byte {reader.TokenStartIndex} is deeper");
                return true;
            }
            else if (reader.TokenType == JsonTokenType.StartObject)
                objects.Push(new HashSet<string>(StringComparer.Ordinal));
            else if (reader.TokenType == JsonTokenType.EndObject)
                objects.Pop();
            else if (reader.TokenType == JsonTokenType.PropertyName && !objects.Peek().Add(NameOf(reader)))
            {
                ReadOnlySpan<byte> before = text[..(int)reader.TokenStartIndex];
                int line = before.Count((byte)'\n') + 1, column = Encoding.UTF8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1;
                fault = string.Create(CultureInfo.InvariantCulture,
                    $"the key '{NameOf(reader)}' occurs twice in one object, the second time in line {line}, column {column}");
                return true;
            }
        return false;
    }

    // Half a surrogate pair is no name of any kind, so its bytes do.
    private static string NameOf(in Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Encoding.UTF8.GetString(reader.ValueSpan);
        }
    }

    private static bool TryRead(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static byte[] QuoteNumbers(ReadOnlySpan<byte> text)
    {
        List<byte> quoted = new(text.Length + 64);
        bool isInString = false;
        for (int i = 0; i < text.Length; i++)
        {
            byte c = text[i];
            if (isInString && c == '\\' && i + 1 < text.Length)
                quoted.Add(text[i++]);
            else if (c == '"')
                isInString = !isInString;
            int length = isInString ? 0 : NumberAt(text[i..]);
            if (length == 0)
            {
                quoted.Add(text[i]);
                continue;
            }
            quoted.Add((byte)'"');
            quoted.AddRange(text.Slice(i, length));
            quoted.Add((byte)'"');
            i += length - 1;
        }
        return [.. quoted];
    }

    private static int NumberAt(ReadOnlySpan<byte> text) =>
        text.StartsWith("NaN"u8) ? 3 : text.StartsWith("Infinity"u8) ? 8 : text.StartsWith("-Infinity"u8) ? 9 : 0;
}
