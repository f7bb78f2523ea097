using System.Text;
using System.Text.Json;
using Lemma.Language.Tools;
using Lemma.Text.Templates;
using Microsoft.Extensions.AI;
using Message = Microsoft.Extensions.AI.ChatMessage;
using Turn = Lemma.Text.Templates.ChatMessage;

namespace Lemma.Extensions.AI;

/// <summary>Messages of Microsoft.Extensions.AI as the chat template sees them.</summary>
internal static class ChatTurns
{
    private const string System = "system";

    /// <summary>The messages, behind instructions where there are some.</summary>
    /// <param name="messages">What was said, called and given back.</param>
    /// <param name="instructions">What the model is told first; null for nothing more.</param>
    /// <param name="format">How the template takes calls.</param>
    public static IReadOnlyList<Turn> Of(IEnumerable<Message> messages, string? instructions, AnswerFormat format)
    {
        ArgumentNullException.ThrowIfNull(messages);
        Dictionary<string, ToolCall> called = new(StringComparer.Ordinal);
        List<Turn> turns = [];
        foreach (Message message in messages)
            Add(turns, message, format, called);
        if (turns.Count == 0)
            throw new ArgumentException("chat: there must be at least one message, but there is none");
        if (string.IsNullOrEmpty(instructions))
            return turns;
        // Most templates take one system message, in front.
        if (turns[0].Role == System)
            turns[0] = turns[0] with { Content = $"{instructions}\n{turns[0].Content}" };
        else
            turns.Insert(0, new Turn(System, instructions));
        return turns;
    }

    // A message with results is a turn a result.
    private static void Add(List<Turn> turns, Message message, AnswerFormat format, Dictionary<string, ToolCall> called)
    {
        StringBuilder text = new(), reasoning = new();
        List<ToolCall> calls = [];
        bool hasResults = false;
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextReasoningContent thought:
                    reasoning.Append(thought.Text);
                    break;
                case TextContent said:
                    text.Append(said.Text);
                    break;
                case FunctionCallContent call:
                    calls.Add(called[call.CallId] = new ToolCall(call.CallId, call.Name, ContentJson.Of(call.Arguments ?? new Dictionary<string, object?>())));
                    break;
                case FunctionResultContent result:
                    hasResults = true;
                    turns.Add(ToolMessages.Result(called.GetValueOrDefault(result.CallId) ?? throw new ArgumentException(
                        $"chat: a result belongs to a call before it, but there is none with the id '{result.CallId}'"), TextOf(result)));
                    break;
                case UsageContent:
                    break;
                default:
                    throw new NotSupportedException($"chat: {content.GetType().Name}: the model reads text alone");
            }
        }
        if (hasResults && text.Length == 0 && calls.Count == 0)
            return;
        Turn turn = message.Role == ChatRole.Assistant ? ToolMessages.Answer(format, text.ToString(), reasoning.ToString(), calls)
            : calls.Count == 0 ? new Turn(message.Role.Value, text.ToString())
            : throw new ArgumentException($"chat: the assistant calls tools, but a message of '{message.Role.Value}' has {calls.Count} calls");
        if (message.AuthorName is { } name)
        {
            Dictionary<string, JsonElement> fields = turn.Fields is null ? [] : new(turn.Fields);
            fields["name"] = JsonElement.Parse(ContentJson.Of(name));
            turn = turn with { Fields = fields };
        }
        turns.Add(turn);
    }

    private static string TextOf(FunctionResultContent result) => result.Exception is { } error && result.Result is null ? $"Error: {error.Message}"
        : result.Result switch
        {
            null => "",
            string text => text,
            JsonElement { ValueKind: JsonValueKind.String } json => json.GetString()!,
            var other => ContentJson.Of(other),
        };
}
