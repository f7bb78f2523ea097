using System.Text.Json;

namespace Lemma.Data;

/// <summary>Which tokens of a conversation are to be predicted.</summary>
public enum CountedTokens
{
    /// <summary>What the assistant says: contents and the marks that end its turns.</summary>
    Answers,

    /// <summary>What the assistant says in its last turn.</summary>
    LastAnswer,

    /// <summary>All but the first.</summary>
    All,
}

/// <summary>What becomes of what is longer than the longest length.</summary>
public enum LongExample
{
    /// <summary>It is left out and counted.</summary>
    Drop,

    /// <summary>It is cut at its end and counted.</summary>
    Cut,

    /// <summary>It is an error.</summary>
    Refuse,
}

/// <summary>How conversations become tokens.</summary>
public sealed record ConversationOptions
{
    /// <summary>The most tokens of an example; of a pair of each of both.</summary>
    public required int MaximumLength { get; init; }

    /// <summary>What becomes of longer ones; a prompt that is to be answered is never cut but left out.</summary>
    public LongExample WhenLong { get; init; } = LongExample.Drop;

    /// <summary>Which tokens of a conversation are to be predicted; of pairs and judged answers it is always the answers.</summary>
    public CountedTokens Counted { get; init; } = CountedTokens.Answers;

    /// <summary>Ids that end a text, so that answers without any are told; none to look for none.</summary>
    public IReadOnlyList<int> EndIds { get; init; } = [];

    /// <summary>The time that templates may show; a template that asks for it fails without.</summary>
    public DateTime? Now { get; init; }

    /// <summary>Further variables that the template sees.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>Checks the numbers; the error names the rule and the value.</summary>
    public ConversationOptions Validate()
    {
        Require.That(MaximumLength >= 2, $"conversations: the longest length must be at least 2, but it is {MaximumLength}");
        return this;
    }
}
