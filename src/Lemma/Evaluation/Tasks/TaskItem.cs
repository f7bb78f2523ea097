namespace Lemma.Evaluation.Tasks;

/// <summary>One item of a task.</summary>
/// <param name="Source">Where it comes from, for messages: a file with its line, or a built-in task with its number.</param>
/// <param name="Prompt">What the model is given.</param>
public abstract record TaskItem(string Source, string Prompt)
{
    /// <summary>The name of its form.</summary>
    internal abstract string Form { get; }

    /// <summary>Which rule it breaks; null where it keeps all.</summary>
    internal virtual string? Fault => string.IsNullOrWhiteSpace(Prompt) ? $"the {(Form == "cloze" ? "prompt" : "question")} is empty" : null;
}

/// <summary>A question whose answer the model writes.</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="Prompt">The question.</param>
/// <param name="Answer">The right answer, compared as <see cref="Lemma.Data.AnswerCheck"/> does.</param>
/// <param name="Reasoning">The steps to the answer, which an example shows before it; null for none. The judged item's is not looked at.</param>
public sealed record QuestionItem(string Source, string Prompt, string Answer, string? Reasoning = null) : TaskItem(Source, Prompt)
{
    private const int LongestAnswer = 100_000;

    internal override string Form => "question";

    internal override string? Fault => base.Fault ?? (string.IsNullOrWhiteSpace(Answer) ? "the answer is empty"
        : Answer.Length > LongestAnswer ? $"an answer has at most {LongestAnswer} characters, but this one has {Answer.Length}" : null);
}

/// <summary>A question with choices, of which the model's likeliest is compared with the right one.</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="Prompt">The question.</param>
/// <param name="Choices">The choices, at least two, all different.</param>
/// <param name="Right">Which is right, from 0.</param>
public sealed record ChoiceItem(string Source, string Prompt, IReadOnlyList<string> Choices, int Right) : TaskItem(Source, Prompt)
{
    internal override string Form => "choices";

    internal override string? Fault => base.Fault ?? (Choices.Count < 2 ? $"there must be at least 2 choices, but there are {Choices.Count}"
        : Choices.Any(string.IsNullOrWhiteSpace) ? "a choice is empty"
        : Choices.Select(choice => choice.Trim()).Distinct(StringComparer.Ordinal).Count() < Choices.Count ? "two choices are the same"
        : (uint)Right >= (uint)Choices.Count ? $"the answer must be from 0 to {Choices.Count - 1}, but it is {Right}" : null);
}

/// <summary>A text whose end the model predicts token by token, each from the right ones before it.</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="Prompt">The text up to there.</param>
/// <param name="Completion">What follows at once; a space between words belongs to it.</param>
public sealed record ClozeItem(string Source, string Prompt, string Completion) : TaskItem(Source, Prompt)
{
    internal override string Form => "cloze";

    internal override string? Fault => base.Fault ?? (string.IsNullOrWhiteSpace(Completion) ? "the completion is empty" : null);
}
