using System.Globalization;
using System.Text;
using System.Text.Json;
using Lemma.Language.Tools;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server;

/// <summary>Messages of a request as the chat template sees them.</summary>
internal static class ChatMessages
{
    private static readonly string[] Efforts = ["none", "minimal", "low", "medium", "high", "xhigh"];

    /// <summary>OpenAI's messages.</summary>
    /// <param name="fields">The request.</param>
    /// <param name="engine">Who answers: its template says how calls are written.</param>
    public static IReadOnlyList<ChatMessage> Read(Fields fields, ServedEngine engine)
    {
        JsonElement messages = fields.Any("messages") ?? throw fields.Missing("messages");
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            throw Fields.Wrong(fields.Name("messages"), "an array of at least one message", messages);
        Dictionary<string, ToolCall> called = new(StringComparer.Ordinal);
        return [.. messages.EnumerateArray().Select((message, i) =>
            One(new Fields(message, string.Create(CultureInfo.InvariantCulture, $"messages[{i}].")), engine, called))];
    }

    /// <summary>The prompt that the model's own template makes.</summary>
    public static int[] Prompt(ServedEngine engine, IReadOnlyList<ChatMessage> messages, ChatOptions? options = null)
    {
        if (engine.Writer!.Model.Template is null)
            throw new ApiException(400, $"The model '{engine.Name}' has no chat template; /v1/completions continues a text instead.", "model", "unsupported_model");
        return engine.Writer.Prompt(messages, options ?? Options(null));
    }

    /// <summary>What the template is told beside the messages.</summary>
    public static ChatOptions Options(IReadOnlyDictionary<string, JsonElement>? variables) =>
        new() { AddGenerationPrompt = true, Now = DateTime.Now, Variables = variables ?? new Dictionary<string, JsonElement>() };

    /// <summary>Variables of the template that a request sets.</summary>
    public static IReadOnlyDictionary<string, JsonElement>? Variables(Fields fields) => fields.Any("chat_template_kwargs") is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.Clone())
        : throw Fields.Wrong(fields.Name("chat_template_kwargs"), "an object", value);

    /// <summary>The same with the effort of reasoning that a field asks for, where the chat template has a variable for it; own ones of a request stay.</summary>
    public static IReadOnlyDictionary<string, JsonElement> Variables(Fields fields, Fields asked, string field, ServedEngine engine)
    {
        Dictionary<string, JsonElement> variables = new(Variables(fields) ?? new Dictionary<string, JsonElement>());
        if (Effort(asked, field, Efforts, engine) is { } effort)
            variables.TryAdd(effort.Key, effort.Value);
        return variables;
    }

    /// <summary>The variable of the chat template for the effort of reasoning that a field asks for; null where it asks for none.</summary>
    /// <param name="asked">Where the field stands.</param>
    /// <param name="field">Its name.</param>
    /// <param name="words">What the API lets it say.</param>
    /// <param name="engine">Who answers.</param>
    public static KeyValuePair<string, JsonElement>? Effort(Fields asked, string field, IReadOnlyList<string> words, ServedEngine engine)
    {
        if (asked.Text(field) is not { } effort)
            return null;
        if (!words.Contains(effort))
        {
            throw new ApiException(400, $"'{asked.Name(field)}' must be one of {string.Join(", ", words)}, but it is '{effort}'.", asked.Name(field),
                "invalid_value");
        }
        return engine.Writer!.Effort(effort) ?? throw new ApiException(400,
            $"'{asked.Name(field)}' is not supported: the chat template of this model has no variable that knows '{effort}'.", asked.Name(field),
            "unsupported_parameter");
    }

    /// <summary>The text of a string, or of an array of text parts.</summary>
    public static string Text(JsonElement content, string name)
    {
        if (content.ValueKind == JsonValueKind.String)
            return content.GetString()!;
        if (content.ValueKind != JsonValueKind.Array)
            throw Fields.Wrong(name, "a string or an array of parts", content);
        StringBuilder text = new();
        for (int i = 0; i < content.GetArrayLength(); i++)
        {
            Fields part = new(content[i], string.Create(CultureInfo.InvariantCulture, $"{name}[{i}]."));
            string type = part.NeededText("type");
            if (type is not ("text" or "input_text"))
                throw new ApiException(400, $"'{part.Name("type")}' is '{type}', but this model reads text alone.", part.Name("type"), "unsupported_content");
            text.Append(part.NeededText("text"));
            part.Accept("cache_control", "citations");
            part.RefuseOthers();
        }
        return text.ToString();
    }

    // Calls so far are known by their ids: a result has the id alone, and templates show the name.
    private static ChatMessage One(Fields message, ServedEngine engine, Dictionary<string, ToolCall> called)
    {
        string role = message.NeededText("role");
        if (role is not ("system" or "developer" or "user" or "assistant" or "tool"))
        {
            throw new ApiException(400, $"'{message.Name("role")}' must be system, developer, user, assistant or tool, but it is '{role}'.", message.Name("role"),
                "invalid_value");
        }
        List<ToolCall> calls = role == "assistant" ? Calls(message) : [];
        if (role != "assistant")
            message.Refuse("tool_calls", "the assistant calls tools");
        message.Refuse("function_call", "'tool_calls' is its newer name");
        message.Refuse("audio", "this model reads text alone");
        // OpenAI's client for JavaScript sends back what it parsed of an answer.
        message.Accept("refusal", "annotations", "parsed");
        string? name = message.Text("name"), reasoning = message.Text("reasoning_content"), result = role == "tool" ? message.NeededText("tool_call_id") : null;
        string text = message.Any("content") is { } content ? Text(content, message.Name("content"))
            : role == "assistant" ? "" : throw message.Missing("content");
        message.RefuseOthers();
        foreach (ToolCall call in calls)
            called[call.Id] = call;
        if (result is not null)
        {
            return ToolMessages.Result(called.GetValueOrDefault(result) ?? throw new ApiException(400,
                $"'{message.Name("tool_call_id")}' must be the id of a call before, but there is none '{result}'.", message.Name("tool_call_id"),
                "invalid_value"), text);
        }
        // Templates know developers by their older name.
        ChatMessage turn = role == "assistant" ? ToolMessages.Answer(engine.Writer!.Format, text, reasoning, calls)
            : new ChatMessage(role == "developer" ? "system" : role, text);
        return name is null ? turn : turn with
        {
            Fields = new Dictionary<string, JsonElement>(turn.Fields ?? new Dictionary<string, JsonElement>()) { ["name"] = message.Any("name")!.Value.Clone() },
        };
    }

    private static List<ToolCall> Calls(Fields message)
    {
        if (message.Any("tool_calls") is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            throw Fields.Wrong(message.Name("tool_calls"), "an array of calls", value);
        List<ToolCall> calls = [];
        for (int i = 0; i < value.GetArrayLength(); i++)
        {
            Fields call = new(value[i], string.Create(CultureInfo.InvariantCulture, $"{message.Name("tool_calls")}[{i}]."));
            Fields function = new(call.Any("function") ?? throw call.Missing("function"), call.Name("function") + ".");
            calls.Add(new ToolCall(call.NeededText("id"), function.NeededText("name"), function.Text("arguments") ?? "{}"));
            call.Accept("type", "index");
            function.Accept("parsed_arguments");
            function.RefuseOthers();
            call.RefuseOthers();
        }
        return calls;
    }
}
