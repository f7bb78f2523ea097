using System.Globalization;
using System.Text.Json;
using Lemma.Language.Tools;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.Ollama;

/// <summary>Ollama's messages as the chat template sees them.</summary>
/// <remarks>Its calls have no ids, so they are numbered, and a result belongs to the first call of its name that has none.</remarks>
internal sealed class OllamaTurns(ServedEngine engine)
{
    private readonly List<ChatMessage> turns = [];
    private readonly List<ToolCall> open = [];
    private int called;

    /// <summary>The turns so far.</summary>
    public IReadOnlyList<ChatMessage> All => turns;

    /// <summary>Adds a message.</summary>
    public void Add(Fields message)
    {
        string role = message.NeededText("role"), content = message.Text("content") ?? "";
        if (role is not ("system" or "user" or "assistant" or "tool"))
        {
            throw new ApiException(400, $"'{message.Name("role")}' must be system, user, assistant or tool, but it is '{role}'.", message.Name("role"),
                "invalid_value");
        }
        message.Refuse("images", "this model reads text alone");
        string? thought = message.Text("thinking"), name = message.Text("tool_name") ?? message.Text("name");
        message.Accept("name", "tool_call_id");
        List<ToolCall> calls = [];
        if (role == "assistant" && message.Any("tool_calls") is { } value)
            calls = Calls(value, message);
        else
            message.Refuse("tool_calls", "the assistant calls tools");
        message.RefuseOthers();
        open.AddRange(calls);
        turns.Add(role switch
        {
            "tool" => ToolMessages.Result(Take(name, message), content),
            "assistant" => ToolMessages.Answer(engine.Writer!.Format, content, thought, calls),
            _ => new ChatMessage(role, content),
        });
    }

    private ToolCall Take(string? name, Fields message)
    {
        int place = open.FindIndex(call => name is null || call.Name == name);
        if (place < 0)
        {
            throw new ApiException(400, $"'{message.Name("tool_name")}' must be that of a call without a result, but it is '{name}'.", message.Name("tool_name"),
                "invalid_value");
        }
        ToolCall taken = open[place];
        open.RemoveAt(place);
        return taken;
    }

    private List<ToolCall> Calls(JsonElement value, Fields message)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw Fields.Wrong(message.Name("tool_calls"), "an array of calls", value);
        List<ToolCall> calls = [];
        for (int i = 0; i < value.GetArrayLength(); i++)
        {
            Fields call = new(value[i], string.Create(CultureInfo.InvariantCulture, $"{message.Name("tool_calls")}[{i}]."));
            Fields function = new(call.Any("function") ?? throw call.Missing("function"), call.Name("function") + ".");
            JsonElement arguments = function.Any("arguments") ?? JsonElement.Parse("{}");
            if (arguments.ValueKind != JsonValueKind.Object)
                throw Fields.Wrong(function.Name("arguments"), "an object", arguments);
            string id = string.Create(CultureInfo.InvariantCulture, $"call{called++ % 100_000:00000}");
            calls.Add(new ToolCall(id, function.NeededText("name"), arguments.GetRawText()));
            call.Accept("id", "type");
            function.Accept("index", "description");
            function.RefuseOthers();
            call.RefuseOthers();
        }
        return calls;
    }
}
