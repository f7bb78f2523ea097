using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>The text that a template makes of a conversation, and where in it the assistant speaks.</summary>
/// <remarks>
/// Generation blocks say it where the template has them. Otherwise the text is made several times: up to where each answer begins and up to its end. Each must
/// be the beginning of the next, since what a model learns to continue is what it will be given; a template that writes earlier turns otherwise is an error.
/// An answer ends with its last mark: space behind that mark is not its own.
/// </remarks>
internal sealed class ConversationText(ChatTemplate template, ConversationOptions options)
{
    /// <summary>The text, and the answers among the turns from one on.</summary>
    /// <param name="source">Where the conversation comes from.</param>
    /// <param name="messages">Its turns.</param>
    /// <param name="tools">Its tools.</param>
    /// <param name="first">The first turn whose answer is looked for.</param>
    /// <param name="onlyLast">Whether of these answers the last one is enough.</param>
    public MarkedText Read(string source, IReadOnlyList<ChatMessage> messages, JsonElement? tools, int first, bool onlyLast)
    {
        MarkedText whole = Render(source, messages, messages.Count, tools, isPrompt: false);
        if (first >= messages.Count)
            return new(whole.Text, []);
        List<int> answers = [.. Enumerable.Range(0, messages.Count).Where(turn => Turns.IsAssistant(messages[turn]))];
        if (InUse(tools).MarksAnswers)
            return new(whole.Text, Marked(source, whole.Answers, answers, messages, first, onlyLast));
        answers.RemoveAll(turn => turn < first);
        if (onlyLast && answers.Count > 0)
            answers.RemoveRange(0, answers.Count - 1);
        return new(whole.Text, [.. answers.Where(turn => Counts(messages[turn])).Select(turn => Part(source, whole.Text, messages, tools, turn))]);
    }

    /// <summary>The text of all turns up to where the answer begins.</summary>
    public string Prompt(string source, IReadOnlyList<ChatMessage> messages, JsonElement? tools) =>
        Render(source, messages, messages.Count, tools, isPrompt: true).Text;

    // OpenAI's weight of a turn: 0 for an answer that is not to be learned.
    private static bool Counts(ChatMessage message) => message.Fields?.TryGetValue("weight", out JsonElement weight) != true
        || weight.ValueKind != JsonValueKind.Number || weight.GetDouble() != 0;

    private static List<(int Start, int End)> Marked(string source, IReadOnlyList<(int Start, int End)> parts, List<int> answers,
        IReadOnlyList<ChatMessage> messages, int first, bool onlyLast)
    {
        if (parts.Count != answers.Count)
            throw new InvalidDataException($"{source}: the template's generation blocks must mark each of the assistant's {answers.Count} turns once, "
                + $"but they mark {parts.Count} parts");
        List<(int Start, int End)> chosen = [];
        for (int i = onlyLast ? Math.Max(0, parts.Count - 1) : 0; i < parts.Count; i++)
            if (answers[i] >= first && Counts(messages[answers[i]]))
                chosen.Add(parts[i]);
        return chosen;
    }

    private (int Start, int End) Part(string source, string whole, IReadOnlyList<ChatMessage> messages, JsonElement? tools, int turn)
    {
        string before = Render(source, messages, turn, tools, isPrompt: true).Text;
        string after = turn + 1 == messages.Count ? whole : Continued(Render(source, messages, turn + 1, tools, isPrompt: false).Text, whole);
        RequireStart(source, turn, "up to the answer", before, "with the answer", after);
        RequireStart(source, turn, "with the answer", after, "with all turns", whole);
        int end = Ending(after, before.Length, messages[turn].Content);
        if (messages[turn].Fields?.TryGetValue(Turns.ToolCalls, out JsonElement calls) == true)
            RequireCalls(source, turn, calls, whole.AsSpan(before.Length, end - before.Length));
        return (before.Length, end);
    }

    // Some templates close the whole with the end token, which more turns then take the place of.
    private string Continued(string text, string whole) =>
        !whole.StartsWith(text, StringComparison.Ordinal) && template.SpecialTokens.TryGetValue("eos_token", out string? end)
        && end.Length > 0 && text.EndsWith(end, StringComparison.Ordinal) && whole.StartsWith(text[..^end.Length], StringComparison.Ordinal)
            ? text[..^end.Length] : text;

    private static int Ending(string text, int start, string content)
    {
        int end = text.AsSpan().TrimEnd().Length;
        // Without a mark behind the content, the space there is what ends the turn.
        bool hasMark = string.IsNullOrWhiteSpace(content) || !text.AsSpan(0, end).EndsWith(content.AsSpan().TrimEnd(), StringComparison.Ordinal);
        return hasMark && end > start ? end : text.Length;
    }

    private static void RequireStart(string source, int turn, string shorterName, string shorter, string longerName, string longer)
    {
        if (longer.StartsWith(shorter, StringComparison.Ordinal))
            return;
        int at = shorter.AsSpan().CommonPrefixLength(longer);
        throw new InvalidDataException($"{source}: the template does not fit training: the text {shorterName} of turn {turn + 1} must be the beginning of that "
            + $"{longerName}, but from character {at} on it is {Shown(shorter, at)} and not {Shown(longer, at)}");
    }

    private static void RequireCalls(string source, int turn, JsonElement calls, ReadOnlySpan<char> part)
    {
        foreach (JsonElement call in calls.EnumerateArray())
            if (call.GetProperty("function").GetProperty("name").GetString() is { } name && !part.Contains(name, StringComparison.Ordinal))
                throw new InvalidDataException($"{source}: the template must write the calls of turn {turn + 1}, but '{name}' is not in its text");
    }

    private static string Shown(string text, int at) => at == text.Length ? "at its end"
        : $"'{text.Substring(at, Math.Min(24, text.Length - at)).Replace("\n", "\\n", StringComparison.Ordinal)}'";

    private ChatTemplate InUse(JsonElement? tools) => tools is not null ? template.ForTools ?? template : template;

    private MarkedText Render(string source, IReadOnlyList<ChatMessage> messages, int count, JsonElement? tools, bool isPrompt)
    {
        try
        {
            return template.RenderMarked(messages.Take(count),
                new ChatOptions { Tools = tools, AddGenerationPrompt = isPrompt, Now = options.Now, Variables = options.Variables });
        }
        catch (TemplateException e)
        {
            throw new InvalidDataException($"{source}: of {count} turns: {e.Message}", e);
        }
    }
}
