using System.Text.Json;
using System.Text.Unicode;

namespace Lemma.Server.Http;

/// <summary>JSON that a client sent: it is UTF-8, no name stands twice in an object, and every string is text.</summary>
internal static class RequestJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads it; the caller disposes it, and leaves the bytes as they are until then.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="ApiException">It has bytes or escapes that are no text.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> bytes)
    {
        RequireText(bytes.Span);
        return JsonDocument.Parse(bytes, Strict);
    }

    // A document of JSON may have bytes and escapes that are no text, and tells it when they are asked for.
    private static void RequireText(ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes))
            throw new ApiException(400, "The body is not valid UTF-8.", null, "invalid_json");
        Utf8JsonReader reader = new(bytes);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                    reader.GetString();
            }
        }
        catch (InvalidOperationException)
        {
            throw new ApiException(400, "The body has an escape of half a character.", null, "invalid_json");
        }
    }
}
