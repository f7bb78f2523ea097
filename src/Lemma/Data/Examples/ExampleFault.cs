using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>Why an example that was read well teaches nothing.</summary>
internal static class ExampleFault
{
    /// <summary>The reason to leave it out, or null.</summary>
    public static DropReason? Of(DataExample example) => example switch
    {
        TextDocument document => document.Text.Length == 0 ? DropReason.EmptyText : null,
        ChatExample chat => !chat.Messages.Any(Turns.IsAssistant) ? DropReason.NoAnswer
            : chat.Messages.Any(message => Turns.IsAssistant(message) && Turns.IsEmpty(message)) ? DropReason.EmptyAnswer : null,
        PreferenceExample pair => OfPrompt(pair.Prompt) ?? OfAnswer(pair.Chosen) ?? OfAnswer(pair.Rejected)
            ?? (Turns.AreSame(pair.Chosen, pair.Rejected) ? DropReason.SameAnswers : null),
        FeedbackExample feedback => OfPrompt(feedback.Prompt) ?? OfAnswer(feedback.Completion),
        SequencePair pair => pair.Input.Length == 0 ? DropReason.EmptyPrompt : pair.Output.Length == 0 ? DropReason.EmptyAnswer : null,
        SentencePair pair => pair.First.Length == 0 || pair.Second.Length == 0 ? DropReason.EmptyText : null,
        VerifiableExample task => OfPrompt(task.Prompt) ?? (string.IsNullOrWhiteSpace(task.Answer) ? DropReason.EmptyAnswer : null),
        _ => null,
    };

    private static DropReason? OfPrompt(IReadOnlyList<ChatMessage> prompt) => prompt.All(Turns.IsEmpty) ? DropReason.EmptyPrompt : null;

    private static DropReason? OfAnswer(IReadOnlyList<ChatMessage> answer) => !answer.Any(Turns.IsAssistant) ? DropReason.NoAnswer
        : answer.Any(message => Turns.IsAssistant(message) && Turns.IsEmpty(message)) ? DropReason.EmptyAnswer : null;
}
