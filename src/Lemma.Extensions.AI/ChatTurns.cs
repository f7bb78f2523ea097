using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Message = Microsoft.Extensions.AI.ChatMessage;
using Turn = Lemma.Text.Templates.ChatMessage;

namespace Lemma.Extensions.AI;

/// <summary>Messages of Microsoft.Extensions.AI as the chat template sees them.</summary>
internal static class ChatTurns
{
    private const string System = "system";

    /// <summary>The messages, behind instructions where there are some.</summary>
    public static IReadOnlyList<Turn> Of(IEnumerable<Message> messages, string? instructions)
    {
        ArgumentNullException.ThrowIfNull(messages);
        List<Turn> turns = [.. messages.Select(Of)];
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

    private static Turn Of(Message message)
    {
        StringBuilder text = new(), reasoning = new();
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
                case UsageContent:
                    break;
                case FunctionCallContent or FunctionResultContent:
                    throw new NotSupportedException($"chat: {content.GetType().Name}: the model cannot be told of tools yet");
                default:
                    throw new NotSupportedException($"chat: {content.GetType().Name}: the model reads text alone");
            }
        }
        Dictionary<string, JsonElement> fields = [];
        if (message.AuthorName is { } name)
            fields.Add("name", Json(name));
        if (reasoning.Length > 0)
            fields.Add("reasoning_content", Json(reasoning.ToString()));
        return new Turn(message.Role.Value, text.ToString()) { Fields = fields.Count > 0 ? fields : null };
    }

    private static JsonElement Json(string text)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
            writer.WriteStringValue(text);
        return JsonElement.Parse(stream.ToArray());
    }
}
