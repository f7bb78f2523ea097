using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>The forms that objects of data come in, each told by the fields that it has.</summary>
/// <param name="Name">Its fields, for messages.</param>
/// <param name="Read">What an object of the form holds.</param>
internal sealed record ExampleForm(string Name, Func<ExampleFields, DataExample> Read)
{
    // The first whose fields are all there: those with more fields stand before those with fewer.
    private static readonly ExampleForm[] All =
    [
        new("messages, chosen, rejected", f => Preference(f, f.Conversation("messages"))),
        new("conversations, chosen, rejected", f => Preference(f, f.Conversation("conversations"))),
        new("instruction, chosen, rejected", f => Preference(f, f.Instruction())),
        new("prompt, chosen, rejected", f => Preference(f, f.TurnsOf("prompt", Turns.User))),
        new("chosen, rejected", f => Preference(f, null)),
        new("prompt, completion, label", f =>
            new FeedbackExample(f.Source, f.TurnsOf("prompt", Turns.User), f.TurnsOf("completion", Turns.Assistant), f.Flag("label"), f.Tools())),
        new("prompt, completion", f =>
            new ChatExample(f.Source, [.. f.TurnsOf("prompt", Turns.User), .. f.TurnsOf("completion", Turns.Assistant)], f.Tools())),
        new("prompt, answer", f => Verifiable(f, "prompt")),
        new("question, answer", f => Verifiable(f, "question")),
        new("instruction, output", f => new ChatExample(f.Source, [.. f.Instruction(), new(Turns.Assistant, f.Text("output"))], f.Tools())),
        new("messages", f => new ChatExample(f.Source, f.Conversation("messages"), f.Tools())),
        new("conversations", f => new ChatExample(f.Source, f.Conversation("conversations"), f.Tools())),
        new("source, target", f => new SequencePair(f.Source, f.Text("source"), f.Text("target"))),
        new("sentence1, sentence2, score", f => new SentencePair(f.Source, f.Text("sentence1"), f.Text("sentence2"), f.Share("score"))),
        new("anchor, positive", f => new SentencePair(f.Source, f.Text("anchor"), f.Text("positive"), 1)),
        new("text", f => new TextDocument(f.Source, f.Text("text"))),
    ];

    private readonly string[] fields = Name.Split(", ");

    /// <summary>The form of an object.</summary>
    public static ExampleForm Of(ExampleFields fields) => All.FirstOrDefault(form => form.fields.All(fields.Has)) ?? throw fields.Error(
        $"no known form: the object has {(fields.Names.Any() ? "the fields " : "no field")}{string.Join(", ", fields.Names.Select(name => $"\"{name}\""))}, "
        + "but a form has one of these: " + string.Join("; ", All.Select(form => form.Name)));

    private static VerifiableExample Verifiable(ExampleFields fields, string prompt) =>
        new(fields.Source, fields.TurnsOf(prompt, Turns.User), AnswerCheck.FinalAnswer(fields.TextOrNumber("answer")), fields.Tools());

    private static PreferenceExample Preference(ExampleFields fields, List<ChatMessage>? prompt)
    {
        List<ChatMessage> chosen = Answer(fields, "chosen", prompt is null), rejected = Answer(fields, "rejected", prompt is null);
        // The prompt may stand in front of both answers: beside its own field, or in its place.
        int shared = Turns.SharedStart(chosen, rejected);
        // Where one goes on from the other, it answers nothing that the other answers too, and is left with no answer.
        if (prompt is null)
            shared = chosen.Count == rejected.Count ? Math.Min(shared, Math.Max(0, chosen.Count - 1)) : shared;
        else if (Turns.SharedStart(prompt, chosen) == prompt.Count && Turns.SharedStart(prompt, rejected) == prompt.Count)
            shared = prompt.Count;
        else
            shared = 0;
        return new(fields.Source, prompt ?? chosen[..shared], chosen[shared..], rejected[shared..], fields.Tools());
    }

    // Without a prompt a text holds the whole conversation.
    private static List<ChatMessage> Answer(ExampleFields fields, string name, bool isWhole)
    {
        List<ChatMessage> turns = fields.TurnsOf(name, Turns.Assistant);
        return !isWhole || turns is not [{ Role: Turns.Assistant, Fields: null, Content: var text }] ? turns : DialogueText.Read(text)
            ?? throw fields.Error($"without a field \"prompt\" the text of \"{name}\" must begin with \"Human:\", but it is \"{Start(text)}\"");
    }

    private static string Start(string text) => text.Length > 40 ? $"{text.AsSpan(0, 40)}..." : text;
}
