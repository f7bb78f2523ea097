using System.Text.Json;

namespace Lemma.Text.Templates;

/// <summary>What a template gets beside the messages.</summary>
public sealed record ChatOptions
{
    /// <summary>The tools that the model may call: a list of their JSON schemas; null for none.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Documents that the model may draw on: a list of objects with a title and a text; null for none.</summary>
    public JsonElement? Documents { get; init; }

    /// <summary>Whether the text ends where the model's answer begins.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>Further variables by name; they replace the template's own of the same name.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>The time that strftime_now shows; a template that asks for it fails without.</summary>
    public DateTime? Now { get; init; }

    /// <summary>What the template may use.</summary>
    public TemplateLimits Limits { get; init; } = new();
}
