using System.Text;
using System.Text.Json;

namespace Lemma.Data;

/// <summary>Elements of a file that is one JSON array, read one after the other.</summary>
internal static class JsonElements
{
    /// <summary>Whether a file begins as an array does; what begins as an object has one in each line.</summary>
    public static bool IsArray(string file, Encoding? encoding) =>
        JsonLines.Read(file, encoding).FirstOrDefault().Line.Span.TrimStart(" \t\r"u8) is [(byte)'[', ..];

    /// <summary>The elements, each with its number from 1.</summary>
    public static IEnumerable<(ReadOnlyMemory<byte> Element, int Number)> Read(string file, Encoding? encoding)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(TextFiles.ReadText(file, encoding));
        JsonReaderState state = new(new JsonReaderOptions());
        int at = 0;
        for (int number = 0; Next(file, bytes, ref at, ref state) is { } element; number++)
            if (number > 0)
                yield return (element, number);
    }

    // First the array's beginning, then its elements.
    private static ReadOnlyMemory<byte>? Next(string file, byte[] bytes, ref int at, ref JsonReaderState state)
    {
        Utf8JsonReader reader = new(bytes.AsSpan(at), isFinalBlock: true, state);
        try
        {
            reader.Read();
            int start = at + (int)reader.TokenStartIndex;
            bool isFirst = reader.TokenType == JsonTokenType.StartArray && reader.CurrentDepth == 0;
            if (reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth == 0)
            {
                reader.Read();
                return null;
            }
            if (!isFirst)
                reader.Skip();
            int end = at + (int)reader.BytesConsumed;
            (at, state) = (end, reader.CurrentState);
            return bytes.AsMemory(start, end - start);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file}: line {e.LineNumber + 1}: not JSON at byte {e.BytePositionInLine}");
        }
    }
}
