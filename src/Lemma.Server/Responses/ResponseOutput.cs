using System.Text;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Language.Tools;

namespace Lemma.Server.Responses;

/// <summary>The items of an answer as they come, each told from its beginning to its end.</summary>
/// <param name="model">Who knows the tokens.</param>
/// <param name="send">Sends an event: its type, and what writes its fields. A reply that is no stream sends nothing.</param>
internal sealed class ResponseOutput(LanguageModel model, Func<string, Action<Utf8JsonWriter>, Task> send)
{
    private readonly StringBuilder text = new();
    private readonly List<TokenChoice> choices = [], pending = [];
    private ResponseItem? open;

    /// <summary>The items that have ended.</summary>
    public List<ResponseItem> Items { get; } = [];

    /// <summary>Adds what happened.</summary>
    public async Task AddAsync(AnswerUpdate update)
    {
        if (update.Text.Choice is { } choice)
            pending.Add(choice);
        foreach (AnswerDelta delta in update.Deltas)
        {
            // A call has an id before the model has written one.
            if (delta.Kind == AnswerKind.CallId)
                continue;
            ResponseItemKind kind = delta.Kind switch
            {
                AnswerKind.Content => ResponseItemKind.Message,
                AnswerKind.Reasoning => ResponseItemKind.Reasoning,
                _ => ResponseItemKind.Call,
            };
            if (open?.Kind != kind || delta.Kind == AnswerKind.CallName)
            {
                await CloseAsync("completed").ConfigureAwait(false);
                await OpenAsync(kind, delta.Text).ConfigureAwait(false);
            }
            if (delta.Kind == AnswerKind.CallName)
                continue;
            text.Append(delta.Text);
            TokenChoice[] told = kind == ResponseItemKind.Message ? [.. pending] : [];
            pending.Clear();
            choices.AddRange(told);
            await TellAsync(Word() + ".delta", json =>
            {
                json.WriteString("delta", delta.Text);
                WriteTokens(json, told);
            }).ConfigureAwait(false);
        }
        if (update.End is not { } end)
            return;
        // An answer of nothing is a message of nothing.
        if (open is null && Items.Count == 0)
            await OpenAsync(ResponseItemKind.Message, "").ConfigureAwait(false);
        await CloseAsync(end == TextEnd.Length ? "incomplete" : "completed").ConfigureAwait(false);
    }

    private async Task OpenAsync(ResponseItemKind kind, string name)
    {
        open = new ResponseItem(kind, ResponseItem.NewId(kind)) { Status = "in_progress" };
        if (kind == ResponseItemKind.Call)
            open = open with { Name = name, CallId = ToolCall.NewId() };
        await SendItemAsync("response.output_item.added", open, isWhole: false).ConfigureAwait(false);
        if (kind != ResponseItemKind.Call)
            await SendPartAsync("response.content_part.added", open).ConfigureAwait(false);
    }

    private async Task CloseAsync(string status)
    {
        if (open is null)
            return;
        if (open.Kind == ResponseItemKind.Message)
            choices.AddRange(pending);
        pending.Clear();
        open = open with { Status = status, Text = text.ToString(), Choices = [.. choices] };
        await TellAsync(Word() + ".done", json =>
        {
            if (open.Kind == ResponseItemKind.Call)
                json.WriteString("name", open.Name);
            json.WriteString(open.Kind == ResponseItemKind.Call ? "arguments" : "text", open.Text);
            WriteTokens(json, open.Choices);
        }).ConfigureAwait(false);
        if (open.Kind != ResponseItemKind.Call)
            await SendPartAsync("response.content_part.done", open).ConfigureAwait(false);
        await SendItemAsync("response.output_item.done", open, isWhole: true).ConfigureAwait(false);
        Items.Add(open);
        open = null;
        text.Clear();
        choices.Clear();
    }

    private string Word() => open!.Kind switch
    {
        ResponseItemKind.Message => "response.output_text",
        ResponseItemKind.Reasoning => "response.reasoning_text",
        _ => "response.function_call_arguments",
    };

    private void WriteTokens(Utf8JsonWriter json, IReadOnlyList<TokenChoice> tokens)
    {
        if (open!.Kind == ResponseItemKind.Message)
            ResponseItem.WriteTokens(json, model, tokens);
    }

    private Task TellAsync(string type, Action<Utf8JsonWriter> write) => send(type, json =>
    {
        json.WriteString("item_id", open!.Id);
        json.WriteNumber("output_index", Items.Count);
        if (open.Kind != ResponseItemKind.Call)
            json.WriteNumber("content_index", 0);
        write(json);
    });

    private Task SendItemAsync(string type, ResponseItem item, bool isWhole) => send(type, json =>
    {
        json.WriteNumber("output_index", Items.Count);
        json.WritePropertyName("item");
        item.Write(json, model, isWhole);
    });

    private Task SendPartAsync(string type, ResponseItem item) => TellAsync(type, json =>
    {
        json.WritePropertyName("part");
        item.WritePart(json, model);
    });
}
