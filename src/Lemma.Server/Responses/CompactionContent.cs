using System.Buffers;
using System.Text.Json;
using Lemma.Server.Http;

namespace Lemma.Server.Responses;

/// <summary>
/// The <c>encrypted_content</c> of a compaction: <c>{"version":1,"summary":"…"}</c> in base64. Nothing of it is secret to the client whose conversation it is,
/// so it is not encrypted, and a client may write one as it may write any message.
/// </summary>
internal static class CompactionContent
{
    private const int Version = 1;

    /// <summary>A summary as content.</summary>
    public static string Write(string summary)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteString("summary", summary);
            json.WriteEndObject();
        }
        return Convert.ToBase64String(buffer.WrittenSpan);
    }

    /// <summary>The summary of a content that a client sent.</summary>
    /// <param name="content">The content.</param>
    /// <param name="name">The field that it is from.</param>
    /// <exception cref="ApiException">It is none that is written here.</exception>
    public static string Read(string content, string name)
    {
        byte[] bytes = new byte[content.Length];
        if (!Convert.TryFromBase64String(content, bytes, out int length))
            throw Wrong(name, "it is not base64");
        try
        {
            using JsonDocument document = RequestJson.Parse(bytes.AsMemory(0, length));
            Fields fields = new(document.RootElement, "content.");
            if (fields.Whole("version", 0) != Version)
                throw Wrong(name, $"its version is not {Version}");
            string summary = fields.NeededText("summary");
            fields.RefuseOthers();
            return summary;
        }
        catch (JsonException)
        {
            throw Wrong(name, "it is no JSON in base64");
        }
        catch (ApiException error) when (error.Param != name)
        {
            throw Wrong(name, error.Message);
        }
    }

    private static ApiException Wrong(string name, string why) =>
        new(400, $"'{name}' must be what /v1/responses/compact wrote, but {why}.", name, "invalid_value");
}
