using System.Text.Json;
using Lemma.Language.Tools;
using Microsoft.Extensions.AI;

namespace Lemma.Extensions.AI;

/// <summary>Pieces of an answer as contents; a call is one when its arguments are all there.</summary>
/// <param name="tellsThoughts">Whether thoughts are told.</param>
internal sealed class AnswerContents(bool tellsThoughts)
{
    private readonly AnswerParts parts = new();
    private int told;

    /// <summary>What is whole after some pieces.</summary>
    public List<AIContent> Append(IReadOnlyList<AnswerDelta> deltas, bool isLast)
    {
        List<AIContent> contents = [];
        foreach (AnswerDelta delta in deltas)
        {
            if (delta.Kind == AnswerKind.Content)
                contents.Add(new TextContent(delta.Text));
            else if (delta.Kind == AnswerKind.Reasoning && tellsThoughts)
                contents.Add(new TextReasoningContent(delta.Text));
            // A call ends where the next one begins.
            else if (delta.Kind == AnswerKind.CallName)
                Tell(contents);
            parts.Add(delta);
        }
        if (isLast)
            Tell(contents);
        return contents;
    }

    private void Tell(List<AIContent> contents)
    {
        foreach (ToolCall call in parts.Calls.Skip(told))
        {
            contents.Add(Content(call));
            told++;
        }
    }

    private static FunctionCallContent Content(ToolCall call)
    {
        FunctionCallContent content = new(call.Id, call.Name);
        try
        {
            using JsonDocument json = JsonDocument.Parse(call.Arguments.Length == 0 ? "{}" : call.Arguments);
            Dictionary<string, object?> arguments = new(StringComparer.Ordinal);
            // Of a name that comes twice, which a free object may have, the last value counts.
            foreach (JsonProperty one in json.RootElement.EnumerateObject())
                arguments[one.Name] = one.Value.Clone();
            content.Arguments = arguments;
        }
        // An answer that its most tokens cut off; who runs the function sees why it cannot.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            content.Exception = error;
        }
        return content;
    }
}
