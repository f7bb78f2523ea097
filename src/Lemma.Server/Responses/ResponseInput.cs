using System.Globalization;
using System.Text;
using System.Text.Json;
using Lemma.Language.Tools;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.Responses;

/// <summary>Items of a request, and the turns that the chat template sees of them.</summary>
internal static class ResponseInput
{
    /// <summary>What stands before the summary of a compaction, in a turn of the user.</summary>
    internal const string SummaryHeading = "Summary of the conversation so far:\n";

    /// <summary>The input: a text of the user, or items.</summary>
    public static IReadOnlyList<ResponseItem> Read(Fields fields)
    {
        JsonElement input = fields.Any("input") ?? throw fields.Missing("input");
        if (input.ValueKind == JsonValueKind.String)
            return [new ResponseItem(ResponseItemKind.Message, ResponseItem.NewId(ResponseItemKind.Message)) { Role = "user", Text = input.GetString()! }];
        if (input.ValueKind != JsonValueKind.Array || input.GetArrayLength() == 0)
            throw Fields.Wrong(fields.Name("input"), "a string or an array of at least one item", input);
        return [.. input.EnumerateArray().Select((item, i) => One(new Fields(item, string.Create(CultureInfo.InvariantCulture, $"{fields.Name("input")}[{i}]."))))];
    }

    /// <summary>The turns of a conversation: what the assistant thinks, says and calls in a row is one.</summary>
    public static List<ChatMessage> Turns(string? instructions, IEnumerable<ResponseItem> items, ServedEngine engine)
    {
        List<ChatMessage> turns = instructions is { Length: > 0 } ? [new ChatMessage("system", instructions)] : [];
        Dictionary<string, ToolCall> called = new(StringComparer.Ordinal);
        string text = "", thought = "";
        List<ToolCall> calls = [];
        bool isOpen = false, isSummary = false;
        foreach (ResponseItem item in items)
        {
            bool isAssistants = item.Kind is ResponseItemKind.Reasoning or ResponseItemKind.Call
                || (item.Kind is ResponseItemKind.Message && item.Role == "assistant");
            if (!isAssistants || (item.Kind is not ResponseItemKind.Call && (text.Length > 0 || calls.Count > 0)))
                Close();
            isOpen |= isAssistants;
            switch (item.Kind)
            {
                case ResponseItemKind.Reasoning:
                    thought += item.Text;
                    break;
                case ResponseItemKind.Call:
                    calls.Add(called[item.CallId] = new ToolCall(item.CallId, item.Name, item.Text));
                    break;
                case ResponseItemKind.Result:
                    turns.Add(ToolMessages.Result(called.GetValueOrDefault(item.CallId) ?? throw new ApiException(400,
                        $"'input' has a function_call_output with the call_id '{item.CallId}', but no call before it has that.", "input", "invalid_value"),
                        item.Text));
                    break;
                case ResponseItemKind.Message when isAssistants:
                    text = item.Text;
                    break;
                case ResponseItemKind.Compaction:
                    Say("user", SummaryHeading + item.Text);
                    break;
                default:
                    // Templates know developers by their older name.
                    Say(item.Role == "developer" ? "system" : item.Role, item.Text);
                    break;
            }
            isSummary = item.Kind is ResponseItemKind.Compaction;
        }
        Close();
        return turns;

        // A summary and what the user says behind it are one turn, since templates want turns of the user and of the assistant by turns.
        void Say(string role, string said)
        {
            if (isSummary && role == "user")
                turns[^1] = turns[^1] with { Content = $"{turns[^1].Content}\n\n{said}" };
            else
                turns.Add(new ChatMessage(role, said));
        }

        void Close()
        {
            if (isOpen)
                turns.Add(ToolMessages.Answer(engine.Writer!.Format, text, thought, calls));
            (text, thought, calls, isOpen) = ("", "", [], false);
        }
    }

    private static ResponseItem One(Fields item)
    {
        string type = item.Text("type") ?? "message";
        ResponseItemKind kind = type switch
        {
            "message" => ResponseItemKind.Message,
            "reasoning" => ResponseItemKind.Reasoning,
            "function_call" => ResponseItemKind.Call,
            "function_call_output" => ResponseItemKind.Result,
            "compaction" => ResponseItemKind.Compaction,
            _ => throw new ApiException(400,
                $"'{item.Name("type")}' is '{type}', but items here are message, reasoning, function_call, function_call_output and compaction.",
                item.Name("type"), "unsupported_content"),
        };
        ResponseItem read = new(kind, item.Text("id") is { Length: > 0 } id ? id : ResponseItem.NewId(kind));
        // OpenAI's clients send back what they parsed of an answer.
        item.Accept("status", "parsed_arguments", "created_by");
        string? phase = Phase(item);
        read = kind switch
        {
            ResponseItemKind.Message when Role(item) is var role => read with
            {
                Role = role,
                Text = Text(item, "content"),
                Phase = role == "assistant" ? phase : null,
            },
            ResponseItemKind.Reasoning => read with { Text = Thought(item) },
            ResponseItemKind.Call => read with { CallId = item.NeededText("call_id"), Name = item.NeededText("name"), Text = item.Text("arguments") ?? "{}" },
            ResponseItemKind.Compaction => read with
            {
                Text = CompactionContent.Read(item.NeededText("encrypted_content"), item.Name("encrypted_content")),
            },
            _ => read with { CallId = item.NeededText("call_id"), Text = Text(item, "output") },
        };
        item.RefuseOthers();
        return read;
    }

    private static string Role(Fields item)
    {
        string role = item.NeededText("role");
        return role is "system" or "developer" or "user" or "assistant" ? role : throw new ApiException(400,
            $"'{item.Name("role")}' must be system, developer, user or assistant, but it is '{role}'.", item.Name("role"), "invalid_value");
    }

    // Clients that keep whole answers send it back; templates know of none.
    private static string? Phase(Fields item)
    {
        string? phase = item.Text("phase");
        return phase is null or "commentary" or "final_answer" ? phase : throw new ApiException(400,
            $"'{item.Name("phase")}' must be commentary or final_answer, but it is '{phase}'.", item.Name("phase"), "invalid_value");
    }

    private static string Thought(Fields item)
    {
        item.Refuse("encrypted_content", "thoughts are not encrypted here, so none can be read", "");
        string content = item.Any("content") is null ? "" : Text(item, "content"), summary = item.Any("summary") is null ? "" : Text(item, "summary");
        return content.Length > 0 ? content : summary;
    }

    private static string Text(Fields item, string field)
    {
        JsonElement content = item.Any(field) ?? throw item.Missing(field);
        if (content.ValueKind == JsonValueKind.String)
            return content.GetString()!;
        if (content.ValueKind != JsonValueKind.Array)
            throw Fields.Wrong(item.Name(field), "a string or an array of parts", content);
        StringBuilder text = new();
        for (int i = 0; i < content.GetArrayLength(); i++)
        {
            Fields part = new(content[i], string.Create(CultureInfo.InvariantCulture, $"{item.Name(field)}[{i}]."));
            string type = part.NeededText("type");
            if (type is not ("input_text" or "output_text" or "text" or "refusal" or "reasoning_text" or "summary_text"))
            {
                throw new ApiException(400, $"'{part.Name("type")}' is '{type}', but this model reads text alone.", part.Name("type"), "unsupported_content");
            }
            text.Append(part.NeededText(type == "refusal" ? "refusal" : "text"));
            part.Accept("annotations", "logprobs", "parsed", "prompt_cache_breakpoint");
            part.RefuseOthers();
        }
        return text.ToString();
    }
}
