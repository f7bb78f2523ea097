using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>Turns of conversations: who speaks, what is empty, what is the same.</summary>
internal static class Turns
{
    public const string System = "system", User = "user", Assistant = "assistant", Tool = "tool", ToolCalls = "tool_calls";

    public static bool IsAssistant(ChatMessage message) => message.Role == Assistant;

    /// <summary>Whether a turn says nothing and calls no tool.</summary>
    public static bool IsEmpty(ChatMessage message) => string.IsNullOrWhiteSpace(message.Content) && message.Fields?.ContainsKey(ToolCalls) != true;

    /// <summary>Whether both say the same.</summary>
    public static bool AreSame(ChatMessage one, ChatMessage other) => Texts([one]).SequenceEqual(Texts([other]), StringComparer.Ordinal);

    public static bool AreSame(IReadOnlyList<ChatMessage> some, IReadOnlyList<ChatMessage> others) =>
        some.Count == others.Count && SharedStart(some, others) == some.Count;

    /// <summary>How many turns both begin with.</summary>
    public static int SharedStart(IReadOnlyList<ChatMessage> some, IReadOnlyList<ChatMessage> others)
    {
        int shared = 0;
        while (shared < some.Count && shared < others.Count && AreSame(some[shared], others[shared]))
            shared++;
        return shared;
    }

    public static IEnumerable<string> Texts(IEnumerable<ChatMessage> messages) => messages.SelectMany(message => (string[])
    [
        message.Role, message.Content,
        .. message.Fields?.OrderBy(field => field.Key, StringComparer.Ordinal).SelectMany(field => (string[])[field.Key, field.Value.GetRawText()]) ?? [],
    ]);

    public static IEnumerable<string> Texts(JsonElement? tools) => tools is { } list ? [list.GetRawText()] : [];
}
