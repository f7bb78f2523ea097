using System.Text.Json;

namespace Lemma.Text.Templates;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role">Who speaks: system, user, assistant, tool, or whatever the template knows.</param>
/// <param name="Content">What is said.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>What else the template sees of the turn, such as tool_calls, tool_call_id or name; null for nothing.</summary>
    /// <remarks>A content of null among them says that there is none.</remarks>
    public IReadOnlyDictionary<string, JsonElement>? Fields { get; init; }
}
