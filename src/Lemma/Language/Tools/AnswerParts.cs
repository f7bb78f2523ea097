using System.Text;

namespace Lemma.Language.Tools;

/// <summary>The pieces of an answer put together: what was said, thought and called so far.</summary>
/// <param name="newId">The id of a call by its number in the answer, from 0, until the model writes one; null for <see cref="ToolCall.NewId"/>.</param>
public sealed class AnswerParts(Func<int, string>? newId = null)
{
    private readonly StringBuilder content = new(), reasoning = new();
    private readonly List<(string Name, string Id, StringBuilder Arguments)> calls = [];

    /// <summary>What was said.</summary>
    public string Content => content.ToString();

    /// <summary>What was thought.</summary>
    public string Reasoning => reasoning.ToString();

    /// <summary>The calls, of which the last may have a part of its arguments alone.</summary>
    public IReadOnlyList<ToolCall> Calls => [.. calls.Select(static call => new ToolCall(call.Id, call.Name, call.Arguments.ToString()))];

    /// <summary>Adds the next piece.</summary>
    /// <exception cref="ArgumentException">A call goes on that has not begun.</exception>
    public void Add(AnswerDelta delta)
    {
        Require.That(calls.Count > 0 || delta.Kind is AnswerKind.Content or AnswerKind.Reasoning or AnswerKind.CallName,
            $"answer: a call begins with its name, but the first piece of it is {delta.Kind}");
        switch (delta.Kind)
        {
            case AnswerKind.Content:
                content.Append(delta.Text);
                break;
            case AnswerKind.Reasoning:
                reasoning.Append(delta.Text);
                break;
            case AnswerKind.CallName:
                calls.Add((delta.Text, newId?.Invoke(calls.Count) ?? ToolCall.NewId(), new StringBuilder()));
                break;
            case AnswerKind.CallId:
                calls[^1] = calls[^1] with { Id = delta.Text };
                break;
            default:
                calls[^1].Arguments.Append(delta.Text);
                break;
        }
    }
}
