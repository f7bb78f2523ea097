using System.Text.Json;
using Lemma.Decoding;
using Lemma.Decoding.Constraints;
using Lemma.Language.Tools;
using Lemma.Weights;

namespace Lemma.Language.Serving;

/// <summary>What an answer to a conversation may be.</summary>
public sealed record AnswerOptions
{
    /// <summary>How it is drawn; null as <see cref="Models.Model.Sampling"/> says.</summary>
    public GenerationOptions? Generation { get; init; }

    /// <summary>Tools that the model is told of.</summary>
    public IReadOnlyList<Tool> Tools { get; init; } = [];

    /// <summary>Whether they are called.</summary>
    public ToolChoice Choice { get; init; } = ToolChoice.Auto;

    /// <summary>The JSON schema of what is said in place of calls; null for none.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>Whether what is said in place of calls is an object of JSON.</summary>
    public bool IsJsonObject { get; init; }

    /// <summary>Variables of the chat template, such as <c>enable_thinking</c>.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>How many answers.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Higher ones go first.</summary>
    public int Priority { get; init; }

    /// <summary>What changes the model for this answer alone; null for nothing. It must live until the answer has ended.</summary>
    public Adapter? Adapter { get; init; }

    /// <summary>Refuses what does not go together.</summary>
    internal void Validate()
    {
        Require.That(!IsJsonObject || Schema is null, $"answer: an answer is an object of JSON or of a schema, but both are asked for");
    }

    /// <summary>The format that an answer is held to as a text, for which a constraint is made once; empty for none.</summary>
    internal string Key()
    {
        string said = Schema is { } schema ? "schema " + schema.GetRawText() : IsJsonObject ? "object" : "";
        return MayCall ? $"{said} tools {Choice.IsRequired} {Choice.IsParallel} {Choice.Name} {Tool.ToJson(Tools).GetRawText()}" : said;
    }

    /// <summary>Whether tools are called where the model likes.</summary>
    internal bool MayCall => Choice.IsAllowed && Tools.Count > 0;

    /// <summary>What is said as a grammar; null for any text.</summary>
    internal Grammar? Format() => Schema is { } schema ? Grammar.JsonSchema(schema) : IsJsonObject ? Grammar.JsonObject() : null;
}
