using System.Collections.Concurrent;
using System.Text.Json;
using Json.Schema;

namespace Lemma.Tests.Server;

/// <summary>OpenAI's published OpenAPI document, cut to what the server has: what is wrong with a reply by it.</summary>
internal static class OpenAIDocument
{
    private static readonly JsonElement Definitions = JsonElement.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden/openai/schemas.json"))).GetProperty("$defs");
    private static readonly string All = Definitions.GetRawText();
    private static readonly ConcurrentDictionary<string, JsonSchema> Schemas = new();

    /// <summary>A schema by its name.</summary>
    public static JsonElement Schema(string name) => Definitions.GetProperty(name);

    /// <summary>Follows a reference.</summary>
    public static JsonElement Resolve(JsonElement schema) =>
        schema.TryGetProperty("$ref", out JsonElement reference) ? Resolve(Schema(reference.GetString()!["#/$defs/".Length..])) : schema;

    /// <summary>What is wrong with a value; null where it is of the schema.</summary>
    public static string? Wrong(string name, JsonElement value)
    {
        JsonSchema schema = Schemas.GetOrAdd(name, static name => JsonSchema.FromText($$"""{"$ref":"#/$defs/{{name}}","$defs":{{All}}}"""));
        EvaluationResults results = schema.Evaluate(value, new EvaluationOptions { OutputFormat = OutputFormat.List });
        return results.IsValid ? null : $"{name}: " + string.Join("; ", (results.Details ?? []).Where(one => one.Errors is not null)
            .Select(one => $"{one.InstanceLocation} {string.Join(", ", one.Errors!.Values)}").Distinct().Take(12)) + $"\n{value}";
    }

    /// <summary>What is wrong with an event of the Responses API.</summary>
    public static string? WrongEvent(JsonElement value)
    {
        string? type = value.TryGetProperty("type", out JsonElement word) ? word.GetString() : null;
        foreach (JsonElement one in Schema("ResponseStreamEvent").GetProperty("anyOf").EnumerateArray())
        {
            string name = one.GetProperty("$ref").GetString()!["#/$defs/".Length..];
            if (Schema(name).GetProperty("properties").GetProperty("type").GetProperty("enum")[0].GetString() == type)
                return Wrong(name, value);
        }
        return $"an event of no known type: {value}";
    }
}
