using System.Text.Json;
using Lemma.Language;

namespace Lemma.Server.OpenAI;

/// <summary>What all parts of a reply have in common.</summary>
/// <param name="Engine">Who answers.</param>
/// <param name="Id">The reply's name.</param>
/// <param name="Created">When, in seconds since 1970.</param>
internal sealed record Reply(ServedEngine Engine, string Id, long Created)
{
    /// <summary>Writes the reply, or a chunk of it.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="kind">What OpenAI calls it.</param>
    /// <param name="writeChoices">Writes the elements of its choices.</param>
    /// <param name="writeRest">Writes what stands behind them.</param>
    public void Write(Utf8JsonWriter json, string kind, Action writeChoices, Action writeRest)
    {
        json.WriteStartObject();
        json.WriteString("id", Id);
        json.WriteString("object", kind);
        json.WriteNumber("created", Created);
        json.WriteString("model", Engine.Name);
        json.WriteString("system_fingerprint", "lemma");
        json.WriteStartArray("choices");
        writeChoices();
        json.WriteEndArray();
        writeRest();
        json.WriteEndObject();
    }

    /// <summary>Tokens with their log-probabilities; null for none.</summary>
    public void WriteLogProbabilities(Utf8JsonWriter json, IReadOnlyList<TokenChoice>? choices)
    {
        if (choices is null)
        {
            json.WriteNull("logprobs");
            return;
        }
        json.WriteStartObject("logprobs");
        json.WriteStartArray("content");
        foreach (TokenChoice choice in choices)
            TokenJson.Write(json, Engine.Writer!.Model, choice);
        json.WriteEndArray();
        json.WriteNull("refusal");
        json.WriteEndObject();
    }
}
