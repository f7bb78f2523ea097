using System.Globalization;
using Lemma.Decoding;
using Lemma.Decoding.Constraints;
using Lemma.Text.Templates;

namespace Lemma.Language.Tools;

/// <summary>A conversation whose answers may call tools; what is thought, said and called comes apart. The format is found from the model's chat template.</summary>
public sealed class ToolConversation
{
    private readonly Conversation conversation;
    private readonly AnswerFormat format;
    private int called;

    /// <summary>Gives a conversation tools; the template tells the model of them from the next answer on.</summary>
    /// <param name="conversation">The conversation, which stays the caller's.</param>
    /// <param name="tools">The tools.</param>
    /// <exception cref="ArgumentException">A name of a tool is wrong or occurs twice.</exception>
    public ToolConversation(Conversation conversation, IReadOnlyList<Tool> tools)
    {
        ArgumentNullException.ThrowIfNull(conversation);
        ArgumentNullException.ThrowIfNull(tools);
        (this.conversation, Tools) = (conversation, tools);
        conversation.Tools = tools.Count > 0 ? Tool.ToJson(tools) : null;
        format = AnswerFormat.Find(conversation.Model.Template!, conversation.Now);
    }

    /// <summary>The tools.</summary>
    public IReadOnlyList<Tool> Tools { get; }

    /// <summary>The calls of the last answer, which wait for results.</summary>
    public IReadOnlyList<ToolCall> Calls { get; private set; } = [];

    /// <summary>Says something as the user; the answer comes in pieces that are read once.</summary>
    /// <exception cref="TemplateException">The template refuses the conversation, which stays as it was.</exception>
    /// <exception cref="ArgumentException">As <see cref="Answer"/>.</exception>
    public IEnumerable<AnswerDelta> Say(string text, GenerationOptions? options = null, ToolChoice? choice = null, CancellationToken cancellation = default)
    {
        conversation.Add(new ChatMessage("user", text));
        try
        {
            return Answer(options, choice, cancellation);
        }
        catch
        {
            conversation.RemoveLast();
            throw;
        }
    }

    /// <summary>Lets the model answer what was said and what calls gave so far, in pieces that are read once.</summary>
    /// <param name="options">How, as for <see cref="Conversation.Answer"/>; a constraint of its own has no place beside calls.</param>
    /// <param name="choice">Whether tools are called; null as the model likes.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>; the answer so far is a message.</param>
    /// <exception cref="TemplateException">The template refuses the conversation.</exception>
    /// <exception cref="ArgumentException">It does not fit, a tool's schema is not supported, or a call is required that the template cannot write.</exception>
    public IEnumerable<AnswerDelta> Answer(GenerationOptions? options = null, ToolChoice? choice = null, CancellationToken cancellation = default)
    {
        options ??= GenerationOptions.Sample(own: conversation.Model.Model.Sampling) with { MaximumTokens = 1024 };
        choice ??= ToolChoice.Auto;
        Constraint? constraint = ToolGrammar.Of(format, Tools, choice, conversation.Model.Tokenizer);
        Require.That(constraint is null || options.Constraint is null, $"tools: an answer that may call {Tools.Count} tools has no other constraint");
        // Ids of nine letters and digits, which differ in the conversation and are the same again for the same seed.
        AnswerParts parts = new(number => string.Create(CultureInfo.InvariantCulture, $"call{(called + number) % 100_000:00000}"));
        AnswerParser parser = new(format, choice.IsAllowed ? Tools : []);
        List<AnswerDelta> rest = [];
        // The message is made when the text has ended or was left, so what was held back is told to it first.
        ChatMessage Message()
        {
            rest.AddRange(parser.Finish());
            foreach (AnswerDelta delta in rest)
                parts.Add(delta);
            Calls = parts.Calls;
            called += Calls.Count;
            return ToolMessages.Answer(format, parts.Content, parts.Reasoning, Calls);
        }
        options = options with { Constraint = constraint ?? options.Constraint, KeepsSpecialTokens = true };
        IEnumerable<string> pieces = conversation.AnswerTo(options, Message, cancellation);
        return Deltas(pieces, parser, parts, rest);
    }

    /// <summary>Adds what a call gave.</summary>
    public void AddResult(ToolCall call, string result) => conversation.Add(ToolMessages.Result(call, result));

    private static IEnumerable<AnswerDelta> Deltas(IEnumerable<string> pieces, AnswerParser parser, AnswerParts parts, List<AnswerDelta> rest)
    {
        foreach (string piece in pieces)
        {
            foreach (AnswerDelta delta in parser.Append(piece))
            {
                parts.Add(delta);
                yield return delta;
            }
        }
        foreach (AnswerDelta delta in rest)
            yield return delta;
    }
}
