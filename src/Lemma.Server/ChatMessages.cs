using System.Globalization;
using System.Text;
using System.Text.Json;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server;

/// <summary>Messages of a request as the chat template sees them.</summary>
internal static class ChatMessages
{
    /// <summary>OpenAI's messages.</summary>
    public static IReadOnlyList<ChatMessage> Read(Fields fields)
    {
        JsonElement messages = fields.Any("messages") ?? throw fields.Missing("messages");
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            throw Fields.Wrong(fields.Name("messages"), "an array of at least one message", messages);
        return [.. messages.EnumerateArray().Select((message, i) => One(new Fields(message, string.Create(CultureInfo.InvariantCulture, $"messages[{i}]."))))];
    }

    /// <summary>The prompt that the model's own template makes.</summary>
    public static int[] Prompt(ServedEngine engine, IReadOnlyList<ChatMessage> messages, IReadOnlyDictionary<string, JsonElement>? variables = null)
    {
        if (engine.Writer!.Model.Template is null)
            throw new ApiException(400, $"The model '{engine.Name}' has no chat template; /v1/completions continues a text instead.", "model", "unsupported_model");
        return engine.Writer.Prompt(messages, Options(variables));
    }

    /// <summary>What the template is told beside the messages.</summary>
    public static ChatOptions Options(IReadOnlyDictionary<string, JsonElement>? variables) =>
        new() { AddGenerationPrompt = true, Now = DateTime.Now, Variables = variables ?? new Dictionary<string, JsonElement>() };

    /// <summary>Variables of the template that a request sets.</summary>
    public static IReadOnlyDictionary<string, JsonElement>? Variables(Fields fields) => fields.Any("chat_template_kwargs") is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.Clone())
        : throw Fields.Wrong(fields.Name("chat_template_kwargs"), "an object", value);

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

    private static ChatMessage One(Fields message)
    {
        string role = message.NeededText("role");
        if (role is "tool" or "function")
            throw new ApiException(400, $"'{message.Name("role")}' is '{role}', but tools are not supported yet.", message.Name("role"), "unsupported_parameter");
        if (role is not ("system" or "developer" or "user" or "assistant"))
        {
            throw new ApiException(400, $"'{message.Name("role")}' must be system, developer, user or assistant, but it is '{role}'.", message.Name("role"),
                "invalid_value");
        }
        message.Refuse("tool_calls", "tools are not there yet");
        message.Refuse("function_call", "tools are not there yet");
        message.Refuse("audio", "this model reads text alone");
        message.Accept("refusal", "annotations");
        Dictionary<string, JsonElement> fields = [];
        foreach (string name in (string[])["name", "reasoning_content"])
        {
            if (message.Text(name) is not null)
                fields.Add(name, message.Any(name)!.Value.Clone());
        }
        string text = message.Any("content") is { } content ? Text(content, message.Name("content"))
            : role == "assistant" ? "" : throw message.Missing("content");
        message.RefuseOthers();
        // Templates know developers by their older name.
        return new ChatMessage(role == "developer" ? "system" : role, text) { Fields = fields.Count > 0 ? fields : null };
    }
}
