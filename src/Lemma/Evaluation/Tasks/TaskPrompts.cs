using Lemma.Data;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Evaluation.Tasks;

/// <summary>The ids that a model is given for an item, behind the examples.</summary>
/// <remarks>
/// By the chat template each example is a turn of the user and one of the assistant. In plain text a question is "Q: …" and its answer "A: …", each on a
/// line of its own, behind the id that begins a text. A cloze is always plain text, behind its examples with an empty line after each.
/// </remarks>
internal sealed class TaskPrompts(Tokenizer tokenizer, ChatTemplate? template, int? beginId, EvaluationTask task)
{
    private readonly ChatTemplate? template = task.Items[0] is ClozeItem ? null : template;
    private readonly string before = string.Concat(task.Examples.Select(example => example is ClozeItem cloze
        ? $"{cloze.Prompt}{cloze.Completion}\n\n" : $"Q: {example.Prompt}\nA: {Shown(example)}\n"));

    /// <summary>The day that templates may write: one, so that scores are the same on every other.</summary>
    public static DateTime Day { get; } = new(2025, 1, 1);

    /// <summary>The form, in words.</summary>
    public string Form => template is null ? "plain text" : "chat template";

    /// <summary>Whether an example's answer has several lines, as reasoning has.</summary>
    public bool HasLongAnswers { get; } = task.Examples.Any(example => Shown(example).Contains('\n', StringComparison.Ordinal));

    /// <summary>What ends an answer besides the model's end ids; the chat template has a mark for it.</summary>
    public IReadOnlyList<string> StopTexts => template is not null ? [] : HasLongAnswers ? ["\nQ:"] : ["\n"];

    /// <summary>The ids up to where the answer begins.</summary>
    public int[] Question(TaskItem item)
    {
        int[] ids = [.. Begin, .. tokenizer.Encode(Before(item), addSpecialTokens: false)];
        return ids.Length > 0 ? ids : throw new InvalidDataException($"{item.Source}: its prompt has no tokens");
    }

    /// <summary>The ids with a continuation, and the first of them that is its own: one that begins before and ends inside it is.</summary>
    public (int[] Ids, int First) Continued(TaskItem item, string continuation)
    {
        string prompt = Before(item), whole = template is not null ? Answered(item, prompt, continuation.Trim())
            : prompt + (item is ClozeItem ? continuation : $" {continuation.Trim()}");
        EncodedText encoded = tokenizer.EncodeDetailed(whole, addSpecialTokens: false);
        int[] ids = [.. Begin, .. encoded.Ids];
        int first = encoded.Offsets.FindIndex(offset => offset.End > prompt.Length) + Begin.Length;
        return first >= Math.Max(1, Begin.Length) ? (ids, first) : throw new InvalidDataException(
            $"{item.Source}: a continuation must have a token behind the first of the text, but '{continuation}' has none");
    }

    private int[] Begin => template is null && beginId is { } begin ? [begin] : [];

    private static string Shown(TaskItem example) => example switch
    {
        QuestionItem { Reasoning: { } reasoning } question => $"{reasoning.Trim()}\n#### {AnswerCheck.FinalAnswer(question.Answer).Trim()}",
        QuestionItem question => question.Answer.Trim(),
        ChoiceItem choice => choice.Choices[choice.Right].Trim(),
        _ => "",
    };

    private string Before(TaskItem item) => template is not null ? Render(item, null) : item is ClozeItem ? before + item.Prompt : $"{before}Q: {item.Prompt}\nA:";

    // Up to the end of the answer itself: marks behind it are as likely behind any other.
    private string Answered(TaskItem item, string prompt, string answer)
    {
        string whole = Render(item, answer);
        int at = whole.StartsWith(prompt, StringComparison.Ordinal) ? whole.IndexOf(answer, prompt.Length, StringComparison.Ordinal) : -1;
        return at >= 0 ? whole[..(at + answer.Length)]
            : throw new InvalidDataException($"{item.Source}: the template must write the answer as it is behind its generation prompt, but it does not");
    }

    private string Render(TaskItem item, string? answer)
    {
        List<ChatMessage> messages = [.. task.Examples.SelectMany(example => new ChatMessage[] { new("user", example.Prompt), new("assistant", Shown(example)) })];
        messages.Add(new("user", item.Prompt));
        if (answer is not null)
            messages.Add(new("assistant", answer));
        try
        {
            return template!.Render(messages, new ChatOptions { AddGenerationPrompt = answer is null, Now = Day });
        }
        catch (TemplateException e)
        {
            throw new InvalidDataException($"{item.Source}: {e.Message}", e);
        }
    }
}
