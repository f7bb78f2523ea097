using System.Text;
using System.Text.Json;
using Lemma.Language.Tools;
using Microsoft.Extensions.AI;

namespace Lemma.Extensions.AI;

/// <summary>Pieces of an answer as contents; a call is one when its arguments are all there.</summary>
/// <param name="tellsThoughts">Whether thoughts are told.</param>
internal sealed class AnswerContents(bool tellsThoughts)
{
    private readonly StringBuilder arguments = new();
    private string? name, id;

    /// <summary>What is whole after some pieces.</summary>
    public List<AIContent> Append(IReadOnlyList<AnswerDelta> deltas, bool isLast)
    {
        List<AIContent> contents = [];
        foreach (AnswerDelta delta in deltas)
        {
            switch (delta.Kind)
            {
                case AnswerKind.Content:
                    contents.Add(new TextContent(delta.Text));
                    break;
                case AnswerKind.Reasoning:
                    if (tellsThoughts)
                        contents.Add(new TextReasoningContent(delta.Text));
                    break;
                case AnswerKind.CallName:
                    End(contents);
                    name = delta.Text;
                    break;
                case AnswerKind.CallId:
                    id = delta.Text;
                    break;
                default:
                    arguments.Append(delta.Text);
                    break;
            }
        }
        if (isLast)
            End(contents);
        return contents;
    }

    private void End(List<AIContent> contents)
    {
        if (name is null)
            return;
        FunctionCallContent call = new(id ?? ToolCall.NewId(), name);
        try
        {
            using JsonDocument json = JsonDocument.Parse(arguments.Length == 0 ? "{}" : arguments.ToString());
            IEnumerable<JsonProperty> all = json.RootElement.EnumerateObject();
            call.Arguments = all.ToDictionary(static one => one.Name, static one => (object?)one.Value.Clone(), StringComparer.Ordinal);
        }
        // An answer that its most tokens cut off; who runs the function sees why it cannot.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            call.Exception = error;
        }
        contents.Add(call);
        (name, id) = (null, null);
        arguments.Clear();
    }
}
