using System.Buffers;
using System.Text.Json;

namespace Lemma.Data;

/// <summary>Tools and their calls as templates want them: functions with a name, and arguments that are an object.</summary>
internal static class ToolJson
{
    /// <summary>The id of a call of a conversation, from 1: nine letters and digits, since some templates ask for that.</summary>
    public static string Id(int number) => $"call{number:D5}";

    public static JsonElement Text(string text) => Write(writer => writer.WriteStringValue(text));

    public static JsonElement Parse(string text, string place)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(text);
            return json.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{place} is not JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine}");
        }
    }

    /// <summary>Each tool inside {"type": "function", "function": …}, where it does not stand there yet.</summary>
    public static JsonElement Functions(JsonElement tools) => Write(writer =>
    {
        writer.WriteStartArray();
        foreach (JsonElement tool in tools.EnumerateArray())
        {
            if (tool.ValueKind != JsonValueKind.Object || tool.TryGetProperty("function", out _) || !tool.TryGetProperty("name", out _))
                tool.WriteTo(writer);
            else
                WriteFunction(writer, null, tool);
        }
        writer.WriteEndArray();
    });

    /// <summary>Calls that are functions with arguments in a text: the arguments become what the text holds.</summary>
    public static JsonElement Calls(JsonElement calls, string source)
    {
        if (calls.ValueKind != JsonValueKind.Array)
            throw new InvalidDataException($"{source}: \"tool_calls\" must be a list, but it is {ExampleFields.Shown(calls)}");
        return Write(writer =>
        {
            writer.WriteStartArray();
            foreach (JsonElement call in calls.EnumerateArray())
                WriteCall(writer, call, source);
            writer.WriteEndArray();
        });
    }

    /// <summary>Bare functions with arguments as calls with ids.</summary>
    public static JsonElement Calls(JsonElement[] functions, int first, string source) => Write(writer =>
    {
        writer.WriteStartArray();
        for (int i = 0; i < functions.Length; i++)
        {
            if (functions[i].ValueKind != JsonValueKind.Object || !functions[i].TryGetProperty("name", out _))
                throw new InvalidDataException($"{source}: a call must have a name, but it is {ExampleFields.Shown(functions[i])}");
            WriteFunction(writer, Id(first + i), functions[i]);
        }
        writer.WriteEndArray();
    });

    private static void WriteCall(Utf8JsonWriter writer, JsonElement call, string source)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("function", out JsonElement function)
            || function.ValueKind != JsonValueKind.Object || !function.TryGetProperty("name", out _))
            throw new InvalidDataException($"{source}: a call must have a function with a name, but it is {ExampleFields.Shown(call)}");
        writer.WriteStartObject();
        foreach (JsonProperty field in call.EnumerateObject())
        {
            writer.WritePropertyName(field.Name);
            if (field.Name != "function")
            {
                field.Value.WriteTo(writer);
                continue;
            }
            writer.WriteStartObject();
            foreach (JsonProperty part in function.EnumerateObject())
            {
                writer.WritePropertyName(part.Name);
                if (part.Name == "arguments" && part.Value.ValueKind == JsonValueKind.String)
                    Parse(part.Value.GetString()!, $"{source}: the arguments of a call").WriteTo(writer);
                else
                    part.Value.WriteTo(writer);
            }
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static void WriteFunction(Utf8JsonWriter writer, string? id, JsonElement function)
    {
        writer.WriteStartObject();
        if (id is not null)
            writer.WriteString("id", id);
        writer.WriteString("type", "function");
        writer.WritePropertyName("function");
        function.WriteTo(writer);
        writer.WriteEndObject();
    }

    private static JsonElement Write(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter writer = new(bytes))
            write(writer);
        using JsonDocument json = JsonDocument.Parse(bytes.WrittenMemory);
        return json.RootElement.Clone();
    }
}
