using System.Text;
using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>Reads the messages of one conversation: role and content, or from and value.</summary>
/// <remarks>A call that is written as a text (function_call) becomes a call of the assistant with an id, which the result that follows (observation)
/// bears too.</remarks>
internal sealed class MessageReader(string source)
{
    private int calls;

    /// <summary>The next message.</summary>
    public ChatMessage Read(JsonElement json, string name)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw Error($"the field \"{name}\" must hold messages, but it has {ExampleFields.Shown(json)}");
        bool isNamed = json.TryGetProperty("from", out JsonElement from);
        if (!isNamed && !json.TryGetProperty("role", out from))
            throw Error($"a message must have a role, but there is {ExampleFields.Shown(json)}");
        string who = from.ValueKind == JsonValueKind.String ? from.GetString()!
            : throw Error($"the role of a message must be a text, but it is {ExampleFields.Shown(from)}");
        string role = isNamed ? RoleOf(who) : who;
        string content = json.TryGetProperty(isNamed ? "value" : "content", out JsonElement value) ? Content(value) : "";
        if (isNamed && who == "function_call")
            return new ChatMessage(role, "") { Fields = new Dictionary<string, JsonElement> { [Turns.ToolCalls] = Calls(content) } };
        Dictionary<string, JsonElement> fields = [];
        foreach (JsonProperty field in json.EnumerateObject())
            if (field.Name is not ("role" or "content" or "from" or "value") && !IsNothing(field.Value))
                fields[field.Name] = field.Name == Turns.ToolCalls ? ToolJson.Calls(field.Value, source) : field.Value.Clone();
        if (isNamed && role == Turns.Tool && calls > 0)
            fields.TryAdd("tool_call_id", ToolJson.Text(ToolJson.Id(calls)));
        return new ChatMessage(role, content) { Fields = fields.Count == 0 ? null : fields };
    }

    // An empty list of calls says no more than none.
    private static bool IsNothing(JsonElement value) =>
        value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);

    private string RoleOf(string from) => from switch
    {
        "human" or "user" => Turns.User,
        "gpt" or "assistant" or "model" or "bot" or "function_call" => Turns.Assistant,
        "system" => Turns.System,
        "observation" or "tool" => Turns.Tool,
        _ => throw Error($"a message is from \"{from}\", but known are human, user, gpt, assistant, model, bot, system, function_call, observation and tool"),
    };

    // A text, nothing beside a call, or a list of parts that are texts.
    private string Content(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString()!;
        if (value.ValueKind == JsonValueKind.Null)
            return "";
        if (value.ValueKind != JsonValueKind.Array)
            throw Error($"the content of a message must be a text, but it is {ExampleFields.Shown(value)}");
        StringBuilder text = new();
        foreach (JsonElement part in value.EnumerateArray())
        {
            if (part.ValueKind != JsonValueKind.Object || !part.TryGetProperty("text", out JsonElement piece) || piece.ValueKind != JsonValueKind.String)
                throw Error($"the parts of a message must be texts, but one is {ExampleFields.Shown(part)}");
            text.Append(piece.GetString());
        }
        return text.ToString();
    }

    private JsonElement Calls(string text)
    {
        JsonElement call = ToolJson.Parse(text, $"{source}: the value of a function_call");
        JsonElement[] list = call.ValueKind == JsonValueKind.Array ? [.. call.EnumerateArray()] : [call];
        int first = calls + 1;
        calls += list.Length;
        return ToolJson.Calls(list, first, source);
    }

    private InvalidDataException Error(string reason) => new($"{source}: {reason}");
}
