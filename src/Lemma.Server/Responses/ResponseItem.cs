using System.Text.Json;
using Lemma.Language;
using Lemma.Server.OpenAI;

namespace Lemma.Server.Responses;

/// <summary>What an item of a conversation is.</summary>
internal enum ResponseItemKind
{
    Message,
    Reasoning,
    Call,
    Result,
    Compaction,
}

/// <summary>An item of a conversation, whoever wrote it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Id">Its own id.</param>
internal sealed record ResponseItem(ResponseItemKind Kind, string Id)
{
    /// <summary>Who says a message.</summary>
    public string Role { get; init; } = "assistant";

    /// <summary>What is said, thought or given back; the arguments of a call; the summary of a compaction.</summary>
    public string Text { get; init; } = "";

    /// <summary>Of a message of the assistant: commentary or final_answer, where the client says so.</summary>
    public string? Phase { get; init; }

    /// <summary>Of a call and its result: the id that they share.</summary>
    public string CallId { get; init; } = "";

    /// <summary>Of a call: the tool.</summary>
    public string Name { get; init; } = "";

    /// <summary>Of a message that was made here: its tokens, where they were asked for.</summary>
    public IReadOnlyList<TokenChoice> Choices { get; init; } = [];

    public string Status { get; init; } = "completed";

    /// <summary>Bytes that it takes, about.</summary>
    public long Bytes => 200 + (2L * (Text.Length + Name.Length));

    /// <summary>A new id for an item of a kind.</summary>
    public static string NewId(ResponseItemKind kind) => (kind switch
    {
        ResponseItemKind.Message => "msg_",
        ResponseItemKind.Reasoning => "rs_",
        ResponseItemKind.Call => "fc_",
        ResponseItemKind.Compaction => "cmp_",
        _ => "fco_",
    }) + Guid.NewGuid().ToString("N");

    /// <summary>Writes it.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="model">Who knows the tokens; null where there are none.</param>
    /// <param name="isWhole">Whether it has its text; false for one that begins.</param>
    public void Write(Utf8JsonWriter json, LanguageModel? model, bool isWhole = true)
    {
        json.WriteStartObject();
        json.WriteString("id", Id);
        json.WriteString("type", Kind switch
        {
            ResponseItemKind.Message => "message",
            ResponseItemKind.Reasoning => "reasoning",
            ResponseItemKind.Call => "function_call",
            ResponseItemKind.Compaction => "compaction",
            _ => "function_call_output",
        });
        if (Kind is ResponseItemKind.Compaction)
        {
            json.WriteString("encrypted_content", CompactionContent.Write(Text));
            json.WriteEndObject();
            return;
        }
        json.WriteString("status", Status);
        if (Kind is ResponseItemKind.Message)
            json.WriteString("role", Role);
        if (Phase is not null)
            json.WriteString("phase", Phase);
        if (Kind is ResponseItemKind.Reasoning)
        {
            json.WriteStartArray("summary");
            json.WriteEndArray();
        }
        if (Kind is ResponseItemKind.Message or ResponseItemKind.Reasoning)
        {
            json.WriteStartArray("content");
            if (isWhole)
                WritePart(json, model);
            json.WriteEndArray();
        }
        else
        {
            json.WriteString("call_id", CallId);
            if (Kind is ResponseItemKind.Call)
                json.WriteString("name", Name);
            json.WriteString(Kind is ResponseItemKind.Call ? "arguments" : "output", isWhole ? Text : "");
        }
        json.WriteEndObject();
    }

    /// <summary>Writes the only part of its content.</summary>
    public void WritePart(Utf8JsonWriter json, LanguageModel? model)
    {
        bool isSaid = Kind is ResponseItemKind.Message && Role == "assistant";
        json.WriteStartObject();
        json.WriteString("type", Kind is ResponseItemKind.Reasoning ? "reasoning_text" : isSaid ? "output_text" : "input_text");
        json.WriteString("text", Text);
        if (isSaid)
        {
            json.WriteStartArray("annotations");
            json.WriteEndArray();
            WriteTokens(json, model, Choices);
        }
        json.WriteEndObject();
    }

    /// <summary>Writes tokens with their log-probabilities.</summary>
    public static void WriteTokens(Utf8JsonWriter json, LanguageModel? model, IReadOnlyList<TokenChoice> choices)
    {
        json.WriteStartArray("logprobs");
        foreach (TokenChoice choice in choices)
            TokenJson.Write(json, model!, choice);
        json.WriteEndArray();
    }
}
