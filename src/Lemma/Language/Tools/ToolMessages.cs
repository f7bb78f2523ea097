using System.Buffers;
using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Language.Tools;

/// <summary>Calls and their results as messages that a chat template takes.</summary>
public static class ToolMessages
{
    /// <summary>An answer with its calls; one without calls is its content alone.</summary>
    /// <param name="format">How the template takes calls.</param>
    /// <param name="content">What was said.</param>
    /// <param name="reasoning">What was thought; null or empty for nothing.</param>
    /// <param name="calls">The calls.</param>
    public static ChatMessage Answer(AnswerFormat format, string content, string? reasoning, IReadOnlyList<ToolCall> calls)
    {
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(calls);
        Dictionary<string, JsonElement> fields = [];
        if (!string.IsNullOrEmpty(reasoning))
            fields["reasoning_content"] = Json(json => json.WriteStringValue(reasoning));
        if (calls.Count > 0)
        {
            fields["tool_calls"] = Json(json => WriteCalls(json, calls, format.Calls is { TakesText: true }));
            if (content.Length == 0 && format.Calls is { TakesNoContent: true })
                fields["content"] = Json(static json => json.WriteNullValue());
        }
        return new ChatMessage("assistant", content) { Fields = fields.Count > 0 ? fields : null };
    }

    /// <summary>What a call gave.</summary>
    public static ChatMessage Result(ToolCall call, string result)
    {
        ArgumentNullException.ThrowIfNull(call);
        return new ChatMessage("tool", result)
        {
            Fields = new Dictionary<string, JsonElement>
            {
                ["name"] = Json(json => json.WriteStringValue(call.Name)),
                ["tool_call_id"] = Json(json => json.WriteStringValue(call.Id)),
            },
        };
    }

    private static void WriteCalls(Utf8JsonWriter json, IReadOnlyList<ToolCall> calls, bool asText)
    {
        json.WriteStartArray();
        foreach (ToolCall call in calls)
        {
            json.WriteStartObject();
            json.WriteString("id", call.Id);
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", call.Name);
            json.WritePropertyName("arguments");
            // Arguments that were cut off are no JSON, so they stay a text.
            if (asText || !IsJson(call.Arguments))
                json.WriteStringValue(call.Arguments);
            else
                json.WriteRawValue(call.Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static bool IsJson(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonElement Json(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
            write(json);
        using JsonDocument document = JsonDocument.Parse(bytes.WrittenMemory);
        return document.RootElement.Clone();
    }
}
