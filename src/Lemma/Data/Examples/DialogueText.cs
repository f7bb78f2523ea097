using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>A conversation that is written as one text: paragraphs that begin with Human: and Assistant:.</summary>
internal static class DialogueText
{
    private const string Human = "\n\nHuman:", Assistant = "\n\nAssistant:";

    /// <summary>Its turns; null where the text does not begin with Human:.</summary>
    public static List<ChatMessage>? Read(string text)
    {
        text = $"\n\n{text.TrimStart()}";
        if (!text.StartsWith(Human, StringComparison.Ordinal))
            return null;
        List<ChatMessage> turns = [];
        for (int at = 0, next; at < text.Length; at = next)
        {
            string mark = text.AsSpan(at).StartsWith(Human, StringComparison.Ordinal) ? Human : Assistant;
            int start = at + mark.Length;
            next = Earliest(text.IndexOf(Human, start, StringComparison.Ordinal), text.IndexOf(Assistant, start, StringComparison.Ordinal), text.Length);
            turns.Add(new ChatMessage(mark == Human ? Turns.User : Turns.Assistant, text[start..next].Trim()));
        }
        return turns;
    }

    private static int Earliest(int one, int other, int end) => Math.Min(one < 0 ? end : one, other < 0 ? end : other);
}
