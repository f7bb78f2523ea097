using System.Globalization;
using System.Text;

namespace Lemma.Language.Tools;

/// <summary>The pieces of an answer put together.</summary>
/// <param name="called">How many calls there were before in the conversation, so that ids differ.</param>
internal sealed class AnswerParts(int called)
{
    private readonly StringBuilder content = new(), reasoning = new();
    private readonly List<(string Name, string? Id, StringBuilder Arguments)> calls = [];

    /// <summary>What was said.</summary>
    public string Content => content.ToString();

    /// <summary>What was thought.</summary>
    public string Reasoning => reasoning.ToString();

    /// <summary>Adds a piece, and gives it back.</summary>
    public AnswerDelta With(AnswerDelta delta)
    {
        switch (delta.Kind)
        {
            case AnswerKind.Content:
                content.Append(delta.Text);
                break;
            case AnswerKind.Reasoning:
                reasoning.Append(delta.Text);
                break;
            case AnswerKind.CallName:
                calls.Add((delta.Text, null, new StringBuilder()));
                break;
            case AnswerKind.CallId:
                calls[^1] = calls[^1] with { Id = delta.Text };
                break;
            default:
                calls[^1].Arguments.Append(delta.Text);
                break;
        }
        return delta;
    }

    /// <summary>The calls, with ids of nine letters and digits where the model gave none.</summary>
    public IReadOnlyList<ToolCall> Calls() => [.. calls.Select((call, i) =>
        new ToolCall(call.Id ?? string.Create(CultureInfo.InvariantCulture, $"call{(called + i) % 100_000:00000}"), call.Name, call.Arguments.ToString()))];
}
