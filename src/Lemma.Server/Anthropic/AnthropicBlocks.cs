using System.Text.Json;
using Lemma.Language.Tools;

namespace Lemma.Server.Anthropic;

/// <summary>The blocks of a stream: one begins where the kind of what comes changes, or a further call begins.</summary>
/// <param name="send">Sends an event with its fields.</param>
internal sealed class AnthropicBlocks(Func<string, Action<Utf8JsonWriter>, Task> send)
{
    private int index = -1;
    private AnswerKind? open;

    /// <summary>Sends a piece, in a block of its kind.</summary>
    public async Task SendAsync(AnswerDelta delta)
    {
        if (delta.Kind == AnswerKind.CallId)
            return;
        AnswerKind kind = delta.Kind == AnswerKind.CallName ? AnswerKind.Arguments : delta.Kind;
        if (open != kind || delta.Kind == AnswerKind.CallName)
        {
            await StopAsync().ConfigureAwait(false);
            await StartAsync(kind, delta.Text).ConfigureAwait(false);
        }
        if (delta.Kind == AnswerKind.CallName)
            return;
        (string type, string field) = kind switch
        {
            AnswerKind.Content => ("text_delta", "text"),
            AnswerKind.Reasoning => ("thinking_delta", "thinking"),
            _ => ("input_json_delta", "partial_json"),
        };
        await send("content_block_delta", json =>
        {
            json.WriteNumber("index", index);
            json.WriteStartObject("delta");
            json.WriteString("type", type);
            json.WriteString(field, delta.Text);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    /// <summary>Ends the last block; an answer of nothing is a block of no text.</summary>
    public async Task EndAsync()
    {
        if (index < 0)
            await StartAsync(AnswerKind.Content, "").ConfigureAwait(false);
        await StopAsync().ConfigureAwait(false);
    }

    private async Task StopAsync()
    {
        if (open is not null)
            await send("content_block_stop", json => json.WriteNumber("index", index)).ConfigureAwait(false);
        open = null;
    }

    private async Task StartAsync(AnswerKind kind, string name)
    {
        index++;
        open = kind;
        await send("content_block_start", json =>
        {
            json.WriteNumber("index", index);
            json.WriteStartObject("content_block");
            json.WriteString("type", kind == AnswerKind.Content ? "text" : kind == AnswerKind.Reasoning ? "thinking" : "tool_use");
            if (kind == AnswerKind.Arguments)
            {
                json.WriteString("id", ToolCall.NewId());
                json.WriteString("name", name);
                json.WriteStartObject("input");
                json.WriteEndObject();
            }
            else
                json.WriteString(kind == AnswerKind.Content ? "text" : "thinking", "");
            if (kind == AnswerKind.Reasoning)
                json.WriteString("signature", "");
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }
}
