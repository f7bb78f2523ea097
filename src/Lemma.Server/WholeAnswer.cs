using System.Text;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Language.Tools;

namespace Lemma.Server;

/// <summary>An answer put together of its pieces, for a reply that is no stream.</summary>
internal sealed class WholeAnswer
{
    private readonly StringBuilder content = new(), reasoning = new(), arguments = new();
    private readonly List<ToolCall> calls = [];

    public string Content => content.ToString();

    public string Reasoning => reasoning.ToString();

    /// <summary>The calls; whole when the answer has ended.</summary>
    public IReadOnlyList<ToolCall> Calls => calls;

    /// <summary>Its tokens, where they are asked for.</summary>
    public List<TokenChoice> Choices { get; } = [];

    public TextEnd End { get; private set; }

    public void Add(AnswerUpdate update)
    {
        foreach (AnswerDelta delta in update.Deltas)
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
                    EndCall();
                    calls.Add(new ToolCall(ToolCall.NewId(), delta.Text, ""));
                    break;
                case AnswerKind.CallId:
                    // A call of a stream has an id with its name, before the model has written one: so have all.
                    break;
                default:
                    arguments.Append(delta.Text);
                    break;
            }
        }
        if (update.Text.Choice is { } choice)
            Choices.Add(choice);
        if (update.End is not { } end)
            return;
        End = end;
        EndCall();
    }

    private void EndCall()
    {
        if (calls.Count > 0)
            calls[^1] = calls[^1] with { Arguments = calls[^1].Arguments + arguments };
        arguments.Clear();
    }
}
