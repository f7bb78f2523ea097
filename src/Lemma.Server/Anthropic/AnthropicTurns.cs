using System.Globalization;
using System.Text;
using System.Text.Json;
using Lemma.Language.Tools;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.Anthropic;

/// <summary>Anthropic's messages as the chat template sees them: a message of blocks may be an answer with calls, or results and a text.</summary>
internal static class AnthropicTurns
{
    /// <summary>The system's text and the messages.</summary>
    public static IReadOnlyList<ChatMessage> Read(Fields fields, ServedEngine engine)
    {
        JsonElement messages = fields.Any("messages") ?? throw fields.Missing("messages");
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            throw Fields.Wrong("messages", "an array of at least one message", messages);
        List<ChatMessage> turns = [];
        if (fields.Any("system") is { } system && ChatMessages.Text(system, "system") is { Length: > 0 } told)
            turns.Add(new ChatMessage("system", told));
        Dictionary<string, ToolCall> called = new(StringComparer.Ordinal);
        for (int i = 0; i < messages.GetArrayLength(); i++)
            Add(turns, new Fields(messages[i], string.Create(CultureInfo.InvariantCulture, $"messages[{i}].")), engine, called);
        return turns;
    }

    private static void Add(List<ChatMessage> turns, Fields message, ServedEngine engine, Dictionary<string, ToolCall> called)
    {
        string role = message.NeededText("role");
        if (role is not ("user" or "assistant"))
            throw new ApiException(400, $"'{message.Name("role")}' must be user or assistant, but it is '{role}'.", message.Name("role"), "invalid_value");
        JsonElement content = message.Any("content") ?? throw message.Missing("content");
        message.RefuseOthers();
        if (content.ValueKind != JsonValueKind.Array)
        {
            turns.Add(new ChatMessage(role, ChatMessages.Text(content, message.Name("content"))));
            return;
        }
        StringBuilder text = new(), thought = new();
        List<ToolCall> calls = [];
        int before = turns.Count;
        for (int i = 0; i < content.GetArrayLength(); i++)
        {
            Fields block = new(content[i], string.Create(CultureInfo.InvariantCulture, $"{message.Name("content")}[{i}]."));
            string type = block.NeededText("type");
            switch (type)
            {
                case "text":
                    text.Append(block.NeededText("text"));
                    break;
                case "thinking" when role == "assistant":
                    thought.Append(block.NeededText("thinking"));
                    block.Accept("signature");
                    break;
                case "tool_use" when role == "assistant":
                    ToolCall call = new(block.NeededText("id"), block.NeededText("name"), (block.Any("input") ?? JsonElement.Parse("{}")).GetRawText());
                    calls.Add(called[call.Id] = call);
                    break;
                case "tool_result" when role == "user":
                    turns.Add(Result(block, called));
                    break;
                default:
                    throw new ApiException(400, $"'{block.Name("type")}' is '{type}', which a message of '{role}' has no place for here.", block.Name("type"),
                        "unsupported_content");
            }
            block.Accept("cache_control", "citations");
            block.RefuseOthers();
        }
        if (role == "assistant")
            turns.Add(ToolMessages.Answer(engine.Writer!.Format, text.ToString(), thought.ToString(), calls));
        else if (text.Length > 0 || turns.Count == before)
            turns.Add(new ChatMessage(role, text.ToString()));
    }

    private static ChatMessage Result(Fields block, Dictionary<string, ToolCall> called)
    {
        string id = block.NeededText("tool_use_id");
        ToolCall call = called.GetValueOrDefault(id) ?? throw new ApiException(400,
            $"'{block.Name("tool_use_id")}' must be the id of a call before, but there is none '{id}'.", block.Name("tool_use_id"), "invalid_value");
        bool isError = block.Flag("is_error") ?? false;
        string text = block.Any("content") is { } content ? ChatMessages.Text(content, block.Name("content")) : "";
        return ToolMessages.Result(call, isError ? $"Error: {text}" : text);
    }
}
